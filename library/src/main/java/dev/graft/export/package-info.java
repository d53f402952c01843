/// What leaves Graft: merged models in Hugging Face folders.
package dev.graft.export;
