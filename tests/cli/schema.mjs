// The part of JSON Schema that the report's schema uses. An unknown keyword is an error: a check that
// is not carried out must not pass for one.

const IGNORED = ["$schema", "$defs", "title", "description"];

const isOf = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

const keywords = {
  type: (types, value) => [types].flat().some((type) => isOf[type](value)),
  enum: (values, value) => values.includes(value),
  const: (expected, value) => expected === value,
  minimum: (least, value) => typeof value !== "number" || value >= least,
  maximum: (most, value) => typeof value !== "number" || value <= most,
  exclusiveMinimum: (bound, value) => typeof value !== "number" || value > bound,
  minItems: (least, value) => !Array.isArray(value) || value.length >= least,
  maxItems: (most, value) => !Array.isArray(value) || value.length <= most,
  required: (names, value) => !isOf.object(value) || names.every((name) => name in value),
};

/** What is wrong with `value`, as `[path, keyword]` pairs. */
export function problems(root, value, schema = root, path = "$") {
  const found = [];
  for (const [keyword, rule] of Object.entries(schema)) {
    if (IGNORED.includes(keyword)) continue;
    if (keyword === "$ref") {
      const target = root.$defs[rule.replace("#/$defs/", "")];
      found.push(...problems(root, value, target, path));
    } else if (keyword === "anyOf" || keyword === "oneOf") {
      const fits = rule.filter((one) => problems(root, value, one, path).length === 0);
      if (keyword === "anyOf" ? fits.length === 0 : fits.length !== 1) found.push([path, keyword]);
    } else if (keyword === "properties") {
      for (const [name, one] of Object.entries(rule)) {
        if (isOf.object(value) && name in value) found.push(...problems(root, value[name], one, `${path}.${name}`));
      }
    } else if (keyword === "items" || keyword === "prefixItems") {
      const of = (index) => (keyword === "items" ? rule : rule[index]);
      const items = Array.isArray(value) ? value : [];
      items.forEach((item, index) => {
        if (of(index) !== undefined && of(index) !== false) {
          found.push(...problems(root, item, of(index), `${path}[${index}]`));
        }
      });
    } else if (keyword === "additionalProperties") {
      if (rule !== false || !isOf.object(value)) continue;
      const extra = Object.keys(value).filter((name) => !(name in schema.properties));
      if (extra.length > 0) found.push([`${path}.${extra[0]}`, keyword]);
    } else if (!(keyword in keywords)) {
      throw new Error(`the check of schemas does not know ${keyword}`);
    } else if (!keywords[keyword](rule, value)) {
      found.push([path, keyword]);
    }
  }
  return found;
}
