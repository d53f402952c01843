/// Text from a model, token by token.
package dev.graft.generate;
