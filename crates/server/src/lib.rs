//! The server: page host, simulated LLM endpoint, key-holding proxy.
//!
//! Not written yet. It will import nothing of ours: it speaks HTTP.
