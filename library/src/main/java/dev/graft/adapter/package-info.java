/// Adapters around the linear maps of a model, and the files of PEFT that hold them.
package dev.graft.adapter;
