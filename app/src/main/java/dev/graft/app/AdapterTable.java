package dev.graft.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.graft.adapter.LoraConfig;
import dev.graft.adapter.TargetResolution;
import dev.graft.adapter.TargetResolution.Target;
import dev.graft.model.ModelConfig;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Which modules get an adapter, of which rank, and how many numbers that trains.
record AdapterTable(List<Row> rows) {
    /// Modules of one name and rank.
    ///
    /// @param parameters of all of them: r · (in + out) each
    private record Row(String module, int rank, long modules, long parameters) {
        private Row and(Row other) {
            return new Row(module, rank, modules + other.modules, parameters + other.parameters);
        }
    }

    static AdapterTable of(LoraConfig lora, ModelConfig config) {
        ModelLayout model = ModelLayout.of(config);
        Map<String, Matrix> maps =
                model.linears().stream()
                        .collect(Collectors.toMap(Matrix::path, Function.identity()));
        maps.put(model.head().path(), model.head());
        Map<String, Row> rows = new LinkedHashMap<>();
        for (Target t : TargetResolution.of(lora, model).lora()) {
            Matrix map = maps.get(t.path());
            String name = t.path().substring(t.path().lastIndexOf('.') + 1);
            var row = new Row(name, t.rank(), 1, t.rank() * (map.in() + map.out()));
            rows.merge(name + " " + t.rank(), row, Row::and);
        }
        return new AdapterTable(new ArrayList<>(rows.values()));
    }

    List<String> lines() {
        int width =
                rows.stream().map(r -> r.module.length()).max(Comparator.naturalOrder()).orElse(0);
        return rows.stream()
                .map(
                        r ->
                                Figures.format(
                                        "%-" + width + "s  rank %d  %s  %,12d parameters",
                                        r.module,
                                        r.rank,
                                        Figures.counted(r.modules, "module"),
                                        r.parameters))
                .toList();
    }

    void put(ArrayNode array) {
        for (Row r : rows) {
            array.addObject()
                    .put("module", r.module)
                    .put("rank", r.rank)
                    .put("modules", r.modules)
                    .put("parameters", r.parameters);
        }
    }
}
