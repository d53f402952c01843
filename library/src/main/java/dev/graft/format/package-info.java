/// Files of tensors: bytes and names, no model.
package dev.graft.format;
