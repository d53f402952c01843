/// Code books, quantization, and the files of bitsandbytes.
package dev.graft.quant;
