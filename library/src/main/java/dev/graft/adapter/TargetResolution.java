package dev.graft.adapter;

import dev.graft.error.ConfigException;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.model.ModelLayout.Vector;
import dev.graft.model.Transformer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Which modules of a model a [LoraConfig] means, by the rules of PEFT; but where PEFT is silent
/// about a name that matches nothing, this is an error.
///
/// @param lora the maps that get A and B
/// @param saved the modules that are trained whole
public record TargetResolution(List<Target> lora, List<String> saved) {

    /// A map that gets A and B.
    public record Target(String path, int rank, double alpha, double scale) {}

    /// Resolves the names against the model's modules.
    ///
    /// @throws ConfigException if something asked for is not there; lists what is
    public static TargetResolution of(LoraConfig config, Transformer model) {
        return of(config, ModelLayout.of(model.config()));
    }

    /// The same before there is a model.
    ///
    /// @throws ConfigException if something asked for is not there; lists what is
    public static TargetResolution of(LoraConfig config, ModelLayout model) {
        List<String> linears = model.linears().stream().map(Matrix::path).toList();
        Set<String> apart =
                model.linears().stream()
                        .filter(m -> m.router() || m.equals(model.head()))
                        .map(Matrix::path)
                        .collect(Collectors.toSet());
        return new Resolver(config, model, linears, apart).resolve();
    }

    private record Resolver(
            LoraConfig config, ModelLayout model, List<String> linears, Set<String> apart) {
        TargetResolution resolve() {
            List<String> saved = saved();
            checkNames();
            List<Target> targets = new ArrayList<>();
            for (String path : linears) {
                if (!saved.contains(path) && chosen(path)) {
                    targets.add(target(path));
                }
            }
            if (targets.isEmpty()) {
                throw new ConfigException(
                        "target_modules: %s matches no linear map%s; the model has %s"
                                .formatted(
                                        "'" + config.targetModules() + "'",
                                        config.excludeModules() == null
                                                        && config.layersToTransform().isEmpty()
                                                ? ""
                                                : " that exclude_modules and layers_to_transform leave",
                                        available()));
            }
            checkPatterns("rank_pattern", config.rankPattern(), targets);
            checkPatterns("alpha_pattern", config.alphaPattern(), targets);
            return new TargetResolution(List.copyOf(targets), saved);
        }

        private boolean chosen(String path) {
            TargetModules excluded = config.excludeModules();
            if (excluded != null && excluded.matches(path, false)) {
                return false;
            }
            return config.targetModules().matches(path, apart.contains(path)) && inLayers(path);
        }

        /// A name that is a whole path escapes `layers_to_transform`, as in PEFT.
        private boolean inLayers(String path) {
            if (config.layersToTransform().isEmpty()
                    || (config.targetModules() instanceof TargetModules.Names(var names)
                            && names.contains(path))) {
                return true;
            }
            String lists =
                    config.layersPattern().isEmpty()
                            ? "[^.]*"
                            : config.layersPattern().stream()
                                    .map(Pattern::quote)
                                    .collect(Collectors.joining("|"));
            Matcher matcher =
                    Pattern.compile(".*\\.(?:%s)\\.(\\d+)\\.".formatted(lists)).matcher(path);
            return matcher.lookingAt()
                    && config.layersToTransform().contains(Integer.parseInt(matcher.group(1)));
        }

        private Target target(String path) {
            int rank = match(config.rankPattern(), path, config.r());
            double alpha = match(config.alphaPattern(), path, config.loraAlpha());
            return new Target(path, rank, alpha, config.scale(rank, alpha));
        }

        private static <T> T match(Map<String, T> patterns, String path, T otherwise) {
            for (var entry : patterns.entrySet()) {
                if (endsWith(entry.getKey(), path)) {
                    return entry.getValue();
                }
            }
            return otherwise;
        }

        private static boolean endsWith(String pattern, String path) {
            return Pattern.compile("(.*\\.)?(" + pattern + ")$").matcher(path).lookingAt();
        }

        /// `modules_to_save` matches by plain end of path; a container means all that is in it.
        private List<String> saved() {
            Set<String> all = new LinkedHashSet<>();
            all.add(model.embedding().path());
            model.norms().stream().map(Vector::path).forEach(all::add);
            all.addAll(linears);
            List<String> result = new ArrayList<>();
            for (String path : all) {
                if (config.modulesToSave().stream().anyMatch(name -> isOrLiesIn(path, name))) {
                    result.add(path);
                }
            }
            for (String name : config.modulesToSave()) {
                if (all.stream().noneMatch(path -> isOrLiesIn(path, name))) {
                    throw new ConfigException(
                            "modules_to_save: '%s' matches nothing; the model has %s"
                                    .formatted(name, lastParts(all)));
                }
            }
            return result;
        }

        private static boolean isOrLiesIn(String path, String name) {
            for (int end = path.length(); end > 0; end = path.lastIndexOf('.', end - 1)) {
                if (path.substring(0, end).endsWith(name)) {
                    return true;
                }
            }
            return false;
        }

        private void checkNames() {
            checkNames("target_modules", config.targetModules());
            if (config.excludeModules() != null) {
                checkNames("exclude_modules", config.excludeModules());
            }
        }

        private void checkNames(String key, TargetModules targets) {
            if (!(targets instanceof TargetModules.Names(var names))) {
                return;
            }
            for (String name : names) {
                if (TargetModules.nameMatches(name, model.embedding().path())) {
                    throw new ConfigException(
                            "%s: LoRA on the embedding (%s) is not supported; train it whole with modules_to_save: [%s]"
                                    .formatted(key, name, name));
                }
                if (linears.stream().noneMatch(path -> TargetModules.nameMatches(name, path))) {
                    throw new ConfigException(
                            "%s: '%s' matches no linear map; the model has %s"
                                    .formatted(key, name, available()));
                }
            }
        }

        private static void checkPatterns(
                String key, Map<String, ?> patterns, List<Target> targets) {
            for (String pattern : patterns.keySet()) {
                if (targets.stream().noneMatch(t -> endsWith(pattern, t.path()))) {
                    throw new ConfigException(
                            "%s: '%s' matches none of the adapted modules, such as %s"
                                    .formatted(key, pattern, targets.getFirst().path()));
                }
            }
        }

        private String available() {
            return lastParts(linears);
        }

        private static String lastParts(Collection<String> paths) {
            return paths.stream()
                    .map(p -> p.substring(p.lastIndexOf('.') + 1))
                    .distinct()
                    .collect(Collectors.joining(", "));
        }
    }
}
