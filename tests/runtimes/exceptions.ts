// Promises that cannot hold in some runtime, each with its reason. Everything else must hold.

import type { Place } from "./world.ts";

type Reasons = Partial<Record<Place["runtime"], string>>;

export const EXCEPTIONS: Record<string, Reasons> = {};
