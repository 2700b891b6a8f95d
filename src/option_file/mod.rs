//! MySQL option files: lossless documents, includes, and what the server will see.
