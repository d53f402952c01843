package dev.graft.optim;

import dev.graft.kernel.AdamWPart;
import dev.graft.kernel.BlockwiseCodes;
import dev.graft.kernel.CodeBook;
import dev.graft.quant.DynamicMap;
import dev.graft.tensor.DType;
import dev.graft.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Moments as 8-bit codes in blocks of 256, 2.03 bytes an element (Dettmers et al. 2022): m in the
/// signed dynamic map, v in the unsigned one. Names and the first state are those of bitsandbytes,
/// codes 0 and maxima 0. The maxima, a 64th of the codes, stay in memory where the codes are paged.
record Moments8(BlockwiseCodes m, BlockwiseCodes v) implements Moments {
    private static final CodeBook SIGNED = new CodeBook(DynamicMap.signed());
    private static final CodeBook UNSIGNED = new CodeBook(DynamicMap.unsigned());

    static Moments8 zeros(Tensor value, StateMemory memory) {
        return new Moments8(zeros(value, memory, SIGNED), zeros(value, memory, UNSIGNED));
    }

    private static BlockwiseCodes zeros(Tensor value, StateMemory memory, CodeBook book) {
        return new BlockwiseCodes(
                memory.zeros(DType.U8, value.shape()),
                Tensor.zeros(DType.F32, BlockwiseCodes.blocks(value.numel())),
                book);
    }

    @Override
    public Moments part(long from, long count) {
        return new Moments8(part(m, from, count), part(v, from, count));
    }

    private static BlockwiseCodes part(BlockwiseCodes x, long from, long count) {
        return new BlockwiseCodes(
                Moments.range(x.codes(), from, count),
                x.absmax().narrow(0, from / BlockwiseCodes.BLOCK, BlockwiseCodes.blocks(count)),
                x.book());
    }

    @Override
    public AdamWPart with(Tensor value, Tensor gradient) {
        return new AdamWPart.Coded(value, gradient, m, v);
    }

    @Override
    public Map<String, Tensor> tensors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("state1", m.codes());
        tensors.put("state2", v.codes());
        tensors.put("absmax1", m.absmax());
        tensors.put("absmax2", v.absmax());
        return tensors;
    }

    @Override
    public List<Tensor> paged() {
        return List.of(m.codes(), v.codes());
    }
}
