/// The demonstration: its pretraining corpus, its task, its tokenizer and what it draws.
package dev.graft.app.demo;
