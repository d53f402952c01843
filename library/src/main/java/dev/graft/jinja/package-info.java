/// Jinja2 as chat templates use it: lexer, parser, interpreter, filters, exact to the byte with the
/// immutable sandbox in which Transformers renders; knows nothing of chats.
package dev.graft.jinja;
