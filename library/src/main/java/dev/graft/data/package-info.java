/// From data set files to batches of token ids: tokenizer, readers, formats, which positions are
/// trained, order.
package dev.graft.data;
