using System.Globalization;
using System.Net;
using Tomlyn.Syntax;

namespace FedIoT.Gateway.Configuration;

/// <summary>
/// One table of a <see cref="TomlFile"/>. Every getter reports what is wrong and then returns something of its type,
/// so that reading goes on to the next problem; the caller uses nothing when there were problems.
/// </summary>
internal sealed class TomlTable
{
    private readonly ProblemList problems;
    private readonly bool isAbsent;
    private readonly SortedDictionary<string, (ValueSyntax Value, TextPlace Place)> entries =
        new(StringComparer.Ordinal);

    private readonly SortedSet<string> asked = new(StringComparer.Ordinal);

    public TomlTable(string title, TextPlace place, IEnumerable<KeyValueSyntax> items, ProblemList problems)
    {
        this.problems = problems;
        Title = title;
        Place = place;
        foreach (KeyValueSyntax item in items)
        {
            entries[KeyText(item.Key!)] = (item.Value!, PlaceOf(place.File, item.Value!));
        }
    }

    private TomlTable(string title, string file, ProblemList problems)
    {
        this.problems = problems;
        Title = title;
        Place = new TextPlace(file, 0, 0);
        isAbsent = true;
    }

    /// <summary>How messages name the table.</summary>
    public string Title { get; }

    /// <summary>Where its head stands.</summary>
    public TextPlace Place { get; }

    /// <summary>A table that is not there: gives default values and reports nothing.</summary>
    public static TomlTable Absent(string name, string file, ProblemList problems) =>
        new($"[{name}]", file, problems);

    /// <summary>The whole key, with its dots.</summary>
    public static string KeyText(KeySyntax key)
    {
        string text = PartText(key.Key);
        foreach (DottedKeyItemSyntax part in key.DotKeys)
        {
            text += "." + PartText(part.Key);
        }

        return text;
    }

    public static TextPlace PlaceOf(string file, SyntaxNodeBase node) =>
        new(file, node.Span.Start.Line + 1, node.Span.Start.Column + 1);

    /// <summary>Where a key's value stands; the table's head when it is not there.</summary>
    public TextPlace PlaceOf(string key) => entries.TryGetValue(key, out var entry) ? entry.Place : Place;

    /// <summary>True when the key is there.</summary>
    public bool Has(string key) => entries.ContainsKey(key);

    /// <summary>A text in quotes; <paramref name="fallback"/> null = the key is required.</summary>
    public string Text(string key, string example, string? fallback = null, int lengthMax = 1024)
    {
        if (Find(key, example, fallback is null) is not { } value)
        {
            return fallback ?? string.Empty;
        }

        if (value is StringValueSyntax { Value: { Length: > 0 } text } && text.Length <= lengthMax
            && !text.Any(char.IsControl))
        {
            return text;
        }

        Report(key, value, $"a text of 1 to {lengthMax} characters in quotes, such as \"{example}\"");
        return example;
    }

    /// <summary>A whole number; <paramref name="fallback"/> null = the key is required.</summary>
    public long Integer(string key, long min, long max, long? fallback = null)
    {
        if (Find(key, (fallback ?? min).ToString(CultureInfo.InvariantCulture), fallback is null) is not { } value)
        {
            return fallback ?? min;
        }

        if (value is IntegerValueSyntax integer && integer.Value >= min && integer.Value <= max)
        {
            return integer.Value;
        }

        Report(key, value, $"a whole number from {min} to {max}");
        return min;
    }

    /// <summary>A whole number, or a word that stands for none; the key may be missing, which is the word.</summary>
    public long? CountOrWord(string key, string word, long min, long max)
    {
        switch (Find(key, word, isRequired: false))
        {
            case null:
            case StringValueSyntax { Value: { } text } when text == word:
                return null;
            case IntegerValueSyntax integer when integer.Value >= min && integer.Value <= max:
                return integer.Value;
            case { } value:
                Report(key, value, $"\"{word}\" or a whole number from {min} to {max}");
                return null;
        }
    }

    /// <summary>A number above 0 and at most 10^12, as millionths.</summary>
    public long Millionths(string key, string example)
    {
        ValueSyntax? value = Find(key, example, isRequired: true);
        double number = value switch
        {
            null => 1,
            FloatValueSyntax f => f.Value,
            IntegerValueSyntax i => i.Value,
            _ => double.NaN,
        };
        if (number is >= 1e-6 and <= 1e12)
        {
            return (long)Math.Round(number * 1e6);
        }

        Report(key, value!, "a number from 0.000001 to 10^12");
        return 1;
    }

    /// <summary>true or false.</summary>
    public bool Flag(string key, bool fallback)
    {
        if (Find(key, "true", isRequired: false) is not { } value)
        {
            return fallback;
        }

        if (value is BooleanValueSyntax flag)
        {
            return flag.Value;
        }

        Report(key, value, "true or false");
        return fallback;
    }

    /// <summary>One of several words.</summary>
    public T Choice<T>(string key, IReadOnlyDictionary<string, T> choices, string? fallback = null)
        where T : notnull
    {
        string[] words = [.. choices.Keys];
        string text = Text(key, words[0], fallback);
        if (choices.TryGetValue(text, out T? chosen))
        {
            return chosen;
        }

        if (Has(key))
        {
            problems.Add(
                PlaceOf(key), $"{Title} {key} is \"{text}\": expected one of {string.Join(", ", words)}"
                + Meant(text, words));
        }

        return choices[words[0]];
    }

    /// <summary>A list of texts, each 1 to <paramref name="lengthMax"/> characters.</summary>
    public IReadOnlyList<string> Texts(string key, string example, int lengthMax) =>
        Items(key, $"[\"{example}\"]", item => item is StringValueSyntax { Value: { Length: > 0 } text }
            && text.Length <= lengthMax && !text.Any(char.IsControl) ? text : null);

    /// <summary>A list of whole numbers.</summary>
    public IReadOnlyList<int> Integers(string key, int min, int max, params int[] fallback)
    {
        asked.Add(key);
        return !Has(key) ? fallback :
        [
            .. Items(key, $"[{fallback[0]}]", item => item is IntegerValueSyntax integer
                && integer.Value >= min && integer.Value <= max ? (object)(int)integer.Value : null).Cast<int>(),
        ];
    }

    /// <summary>Address and port on this machine: an IP address, not a name.</summary>
    public IPEndPoint EndPoint(string key, string example)
    {
        string text = Text(key, example, fallback: null, lengthMax: 64);
        if (PeerAddress.TrySplit(text, out string host, out int port)
            && IPAddress.TryParse(host, out IPAddress? address))
        {
            return new IPEndPoint(address, port);
        }

        if (Has(key) && entries[key].Value is StringValueSyntax)
        {
            Report(key, entries[key].Value, $"an IP address and a port, such as \"{example}\"");
        }

        return IPEndPoint.Parse(example);
    }

    /// <summary>Reports a value that its caller found wrong.</summary>
    public void Refuse(string key, string expected)
    {
        if (entries.TryGetValue(key, out var entry))
        {
            Report(key, entry.Value, expected);
        }
        else
        {
            problems.Add(Place, $"{Title} {key}: expected {expected}");
        }
    }

    /// <summary>Reports keys that nobody asked for.</summary>
    public void RefuseUnknown()
    {
        foreach ((string key, (_, TextPlace place)) in entries)
        {
            if (!asked.Contains(key))
            {
                problems.Add(place, $"unknown key '{key}' in {Title}{Suggestion.For(key, asked)}");
            }
        }
    }

    private static string PartText(BareKeyOrStringValueSyntax? part) => part switch
    {
        BareKeySyntax bare => bare.Key?.Text ?? string.Empty,
        StringValueSyntax quoted => quoted.Value ?? string.Empty,
        _ => part?.ToString().Trim() ?? string.Empty,
    };

    private static string Meant(string text, string[] words)
    {
        string suggestion = Suggestion.For(text, words);
        return suggestion.Contains("did you mean", StringComparison.Ordinal) ? suggestion : string.Empty;
    }

    private List<T> Items<T>(string key, string example, Func<ValueSyntax, T?> read)
        where T : class
    {
        if (Find(key, example, isRequired: true) is not { } value)
        {
            return [];
        }

        var items = new List<T>();
        foreach (ArrayItemSyntax item in value is ArraySyntax array ? array.Items.ToArray() : [])
        {
            if (item.Value is { } content && read(content) is { } found)
            {
                items.Add(found);
            }
            else
            {
                problems.Add(
                    PlaceOf(Place.File, item), $"{Title} {key} lists {Shown(item.Value!)}: expected such as {example}");
            }
        }

        if (value is not ArraySyntax)
        {
            Report(key, value, $"a list such as {example}");
        }

        return items;
    }

    private ValueSyntax? Find(string key, string example, bool isRequired)
    {
        asked.Add(key);
        if (entries.TryGetValue(key, out var entry))
        {
            return entry.Value;
        }

        if (isRequired && !isAbsent)
        {
            problems.Add(Place, $"{Title} lacks the key '{key}', such as: {key} = {Quoted(example)}");
        }

        return null;
    }

    private static string Quoted(string example) =>
        example.StartsWith('[') || double.TryParse(example, CultureInfo.InvariantCulture, out _)
            ? example : $"\"{example}\"";

    private void Report(string key, ValueSyntax value, string expected) =>
        problems.Add(PlaceOf(Place.File, value), $"{Title} {key} is {Shown(value)}: expected {expected}");

    private static string Shown(ValueSyntax value)
    {
        string text = value switch
        {
            // The token, because a node's text has the comment behind it.
            StringValueSyntax { Token.Text: { } token } => token,
            IntegerValueSyntax { Token.Text: { } token } => token,
            FloatValueSyntax { Token.Text: { } token } => token,
            BooleanValueSyntax { Token.Text: { } token } => token,
            _ => value.ToString().Trim().ReplaceLineEndings(" "),
        };
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
