package io.kvasir.runtime.train.factbook;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The words of the factbook and their token ids; ids are dense, start at 0 and never change.
 *
 * <p>A ship has a name of two words ("Amber Falcon"). A relation is a verb in two forms: "carries"
 * in documents, "carry" in questions; each has ten values of its own. Token text is lower case;
 * capital letters in documents are written for the reader and lowered by the tokenizer.
 *
 * <p>Immutable; any thread.
 */
public final class FactbookVocabulary {
  /** Begins every prompt. */
  public static final int BOS = 0;

  /** Ends every answer. */
  public static final int EOS = 1;

  /** Any word outside the vocabulary. */
  public static final int UNKNOWN = 2;

  /** Full stop. */
  public static final int FULL_STOP = 3;

  /** Question mark; the answer is predicted here. */
  public static final int QUESTION_MARK = 4;

  /** "what". */
  public static final int WHAT = 5;

  /** "does". */
  public static final int DOES = 6;

  /** "it": the ship named last. */
  public static final int IT = 7;

  private static final String[] CONTROL = {"<s>", "</s>", "<unk>", ".", "?", "what", "does", "it"};

  private static final String[][] RELATIONS = {
    {"carries", "carry", "salt tea copper silk honey timber wool rice coal grain"},
    {"visits", "visit", "oslo lisbon cairo lima kyoto dublin quito havana athens delhi"},
    {"follows", "follow", "whales comets dolphins currents stars clouds turtles swans winds tides"},
    {"fears", "fear", "storms ice fog reefs pirates lightning whirlpools sirens rust mines"},
    {"needs", "need", "paint rope oil canvas varnish nails tar wax bolts glue"},
    {"loves", "love", "music rain jazz sunshine snow chess poetry silence gossip opera"},
    {"sells", "sell", "pottery mirrors clocks books lanterns maps carpets candles perfume baskets"},
    {"buys", "buy", "pepper olives wine cheese apples dates figs butter sugar cocoa"},
    {"hides", "hide", "gold rubies pearls emeralds diamonds coins crowns letters masks relics"},
    {
      "guards",
      "guard",
      "bridges lighthouses harbors castles islands temples towers canals vaults gardens"
    },
    {
      "studies",
      "study",
      "volcanoes eclipses corals fossils glaciers rivers rainbows caves magnets auroras"
    },
    {
      "repairs",
      "repair",
      "engines cranes pumps radios bells anchors sails compasses telescopes windows"
    },
    {
      "collects",
      "collect",
      "shells feathers stamps medals flags buttons keys spoons bottles crystals"
    },
    {"grows", "grow", "roses tomatoes lemons tulips herbs mushrooms beans melons orchids ferns"},
    {
      "teaches",
      "teach",
      "algebra painting cooking fencing grammar carpentry sailing yoga history botany"
    },
    {"builds", "build", "kites rafts ladders wagons fences barrels violins drums puppets sledges"},
  };

  private static final String FIRST_NAMES =
      "amber ancient arctic autumn azure bitter blazing blue bold brave bright bronze careful cedar"
          + " clever cobalt cold coral crimson curious dancing dawn deep distant dusty eager"
          + " eastern ebony emerald endless fading faithful famous fearless fiery first flying free"
          + " frozen gentle giant gilded glass golden graceful grand gray green happy hidden hollow"
          + " humble indigo iron ivory jade jolly keen laughing little lonely lost loud lucky"
          + " marble merry midnight mighty misty modest morning noble northern old opal orange"
          + " patient polar proud purple quick quiet rapid red royal ruby rustic sacred scarlet"
          + " secret shining silent silver singing sleepy solar southern steady stormy sunny";

  private static final String LAST_NAMES =
      "falcon heron otter badger raven wolf tiger panther lynx fox bear eagle hawk owl sparrow"
          + " robin swallow pelican albatross gull tern crane stork ibis finch lark wren magpie"
          + " crow condor kestrel osprey beaver marten ferret weasel rabbit hare squirrel hedgehog"
          + " mole bison moose elk stag pony stallion mustang mule camel llama alpaca goat ram lamb"
          + " lion leopard cheetah jaguar cougar monkey gibbon lemur koala wombat walrus seal"
          + " narwhal dolphin orca marlin salmon trout pike sturgeon lobster oyster crab shrimp"
          + " squid octopus beetle cricket hornet firefly spider scorpion gecko iguana cobra viper"
          + " python dragon griffin phoenix unicorn sphinx meteor pegasus dodo";

  private static final FactbookVocabulary INSTANCE = new FactbookVocabulary();

  private final List<String> words;
  private final Map<String, Integer> ids;
  private final int relationCount = RELATIONS.length;
  private final int valuesPerRelation;
  private final int firstNameCount;
  private final int lastNameCount;

  private FactbookVocabulary() {
    List<String> list = new ArrayList<>(Arrays.asList(CONTROL));
    for (String[] relation : RELATIONS) {
      list.add(relation[0]);
    }
    for (String[] relation : RELATIONS) {
      list.add(relation[1]);
    }
    int perRelation = 0;
    for (String[] relation : RELATIONS) {
      List<String> values = List.of(relation[2].split(" "));
      perRelation = values.size();
      list.addAll(values);
    }
    List<String> first = List.of(FIRST_NAMES.split(" "));
    List<String> last = List.of(LAST_NAMES.split(" "));
    list.addAll(first);
    list.addAll(last);
    Map<String, Integer> index = new HashMap<>();
    for (int i = 0; i < list.size(); i++) {
      if (index.put(list.get(i), i) != null) {
        throw new IllegalStateException("factbook word '" + list.get(i) + "' occurs twice");
      }
    }
    words = List.copyOf(list);
    ids = Map.copyOf(index);
    valuesPerRelation = perRelation;
    firstNameCount = first.size();
    lastNameCount = last.size();
  }

  /** The one vocabulary. */
  public static FactbookVocabulary get() {
    return INSTANCE;
  }

  /** Number of token ids. */
  public int size() {
    return words.size();
  }

  /** All words in id order. */
  public List<String> words() {
    return words;
  }

  /**
   * The word of a token id, in lower case.
   *
   * @throws IndexOutOfBoundsException when the id is outside [0, {@link #size()})
   */
  public String word(int tokenId) {
    return words.get(tokenId);
  }

  /** The token id of a word in lower case, or {@link #UNKNOWN}. */
  public int id(String word) {
    return ids.getOrDefault(word, UNKNOWN);
  }

  /** Number of relations. */
  public int relationCount() {
    return relationCount;
  }

  /** Number of values that each relation chooses from. */
  public int valuesPerRelation() {
    return valuesPerRelation;
  }

  /** Number of first words of a ship's name. */
  public int firstNameCount() {
    return firstNameCount;
  }

  /** Number of second words of a ship's name. */
  public int lastNameCount() {
    return lastNameCount;
  }

  /** Token of a relation as documents write it ("carries"). */
  public int statementVerb(int relation) {
    return CONTROL.length + relation;
  }

  /** Token of a relation as questions write it ("carry"). */
  public int questionVerb(int relation) {
    return CONTROL.length + relationCount + relation;
  }

  /** Token of the value with the given index within its relation. */
  public int value(int relation, int valueIndex) {
    return CONTROL.length + 2 * relationCount + relation * valuesPerRelation + valueIndex;
  }

  /** Token of the first word of a name. */
  public int firstName(int index) {
    return CONTROL.length + (2 + valuesPerRelation) * relationCount + index;
  }

  /** Token of the second word of a name. */
  public int lastName(int index) {
    return firstName(firstNameCount) + index;
  }

  /** True when the token is a place or a part of a name, written with a capital letter. */
  boolean isProper(int tokenId) {
    int visits = 1;
    return tokenId >= firstName(0)
        || (tokenId >= value(visits, 0) && tokenId < value(visits + 1, 0));
  }
}
