package dev.graft.data;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.graft.error.ModelFormatException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedMap;

/// The added tokens of a vocabulary, with the ids that the tokenizers library gives them: that of
/// the model's vocabulary where it has the token, else the next one. The ids of a file do not
/// count there, so one that says otherwise is refused rather than trained on with wrong ids.
final class AddedTokens {
    /// Eight times those of Gemma 3; the library compares every one with all others.
    private static final int MOST = 50_000;

    record Entry(int id, AddedToken token) {}

    private final ConfigFolder folder;
    private final Map<String, Integer> model;
    private final int modelSize;
    private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();
    private int largest = -1;
    private boolean changed;

    /// @param model the ids of the model's vocabulary, at least of the tokens that will be added
    /// @param modelSize how many tokens the model's vocabulary has
    AddedTokens(ConfigFolder folder, Map<String, Integer> model, int modelSize) {
        this.folder = folder;
        this.model = model;
        this.modelSize = modelSize;
    }

    /// Adds a token unless it is there.
    ///
    /// @param said the id that a file gives the token
    /// @throws ModelFormatException where the library would give it another
    void add(AddedToken token, OptionalInt said) {
        if (entries.containsKey(token.content())) {
            return;
        }
        int next = largest >= modelSize ? largest + 1 : modelSize;
        int id = model.getOrDefault(token.content(), next);
        if (said.isPresent() && said.getAsInt() != id) {
            throw new ModelFormatException(
                    "%s: found the id %d of the added token %s, expected %d, which the tokenizers library gives it; added tokens must follow the vocabulary without a gap and in the order of their ids"
                            .formatted(
                                    folder.path(),
                                    said.getAsInt(),
                                    ConfigFolder.excerpt(token.content()),
                                    id));
        }
        if (entries.size() == MOST) {
            throw new ModelFormatException(
                    "%s: found more than %d added tokens, expected fewer"
                            .formatted(folder.path(), MOST));
        }
        largest = Math.max(largest, id);
        entries.put(token.content(), new Entry(id, token));
        changed = true;
    }

    /// Adds what the configs declare and the vocabulary lacks, gives tokens the flags that they
    /// have there, and marks as special what is named. What is special here stays so.
    void complete(DeclaredTokens declared) {
        changed = false;
        var flags = declared.flags();
        entries.replaceAll(
                (content, entry) -> {
                    boolean special = entry.token().special();
                    var own = flags.getOrDefault(content, entry.token());
                    var token = declared.flagged(special ? own.asSpecial() : own);
                    changed |= !token.equals(entry.token());
                    return new Entry(entry.id(), token);
                });
        var said = declared.ids();
        for (var token : declared.all().values()) {
            Integer id = said.get(token.content());
            add(token, id == null ? OptionalInt.empty() : OptionalInt.of(id));
        }
    }

    /// Whether completing it changed anything.
    boolean changed() {
        return changed;
    }

    SequencedMap<String, Entry> entries() {
        return entries;
    }

    /// The id of a token that was added, or that the model has.
    OptionalInt id(String content) {
        var entry = entries.get(content);
        Integer id = entry == null ? model.get(content) : Integer.valueOf(entry.id());
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// The same tokens, the special ones with a mark before their text, by the ids that the library
    /// then gives them.
    ///
    /// @param inModel whether the vocabulary of the model has the marked names
    AddedTokens marked(boolean inModel) {
        var ids = new HashMap<>(model);
        if (inModel) {
            model.forEach((content, id) -> ids.put(SpecialMarks.MARK + content, id));
        }
        var marked = new AddedTokens(folder, ids, modelSize);
        for (var entry : byId()) {
            var token = entry.token();
            marked.add(token.special() ? token.marked() : token, OptionalInt.empty());
        }
        return marked;
    }

    /// The ids of marked tokens and those of the same tokens here, where they differ.
    Map<Integer, Integer> idsOf(AddedTokens marked) {
        var ids = new HashMap<Integer, Integer>();
        for (var entry : entries.values()) {
            var token = entry.token().special() ? entry.token().marked() : entry.token();
            int id = marked.entries.get(token.content()).id();
            if (id != entry.id()) {
                ids.put(id, entry.id());
            }
        }
        return Map.copyOf(ids);
    }

    /// As `tokenizer.json` lists them, by id.
    ArrayNode json() {
        var array = ConfigFolder.JSON.createArrayNode();
        byId().forEach(entry -> array.add(entry.token().json(entry.id())));
        return array;
    }

    private List<Entry> byId() {
        return entries.values().stream().sorted(Comparator.comparingInt(Entry::id)).toList();
    }
}
