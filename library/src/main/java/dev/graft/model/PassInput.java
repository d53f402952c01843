package dev.graft.model;

import dev.graft.kernel.Packing;
import dev.graft.nn.RopeTable;
import dev.graft.nn.RopeTable.Angles;
import dev.graft.tensor.Tensor;
import java.util.Map;

/// Whole sequences as a pass reads them: all of it is on the device.
///
/// @param ids [T] I32
/// @param angles by which each rotary embedding of the model turns them
/// @param packing where each sequence starts
public record PassInput(Tensor ids, Map<RopeTable, Angles> angles, Packing packing) {}
