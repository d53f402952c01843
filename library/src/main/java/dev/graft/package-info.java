/// LoRA and QLoRA fine-tuning of large language models on the JVM.
package dev.graft;
