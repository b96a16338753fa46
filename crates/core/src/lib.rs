//! The client: requests, retries, limits and streams.
