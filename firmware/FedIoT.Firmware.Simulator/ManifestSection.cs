using System.Globalization;
using Tomlyn.Syntax;

namespace FedIoT.Firmware.Simulator;

/// <summary>One table of <c>recording.toml</c>, with the place of every key, so that errors can name it.</summary>
internal sealed class ManifestSection
{
    private const string File = RecordingReader.ManifestName;

    private readonly List<(string Key, ValueSyntax Value)> entries = [];

    public ManifestSection(string title, SyntaxNodeBase? place, IEnumerable<KeyValueSyntax> items)
    {
        Title = title;
        Line = place is null ? 0 : place.Span.Start.Line + 1;
        foreach (KeyValueSyntax item in items)
        {
            string key = KeyText(item.Key!);
            if (entries.Exists(e => e.Key == key))
            {
                throw Problem(item.Key!, key, $"key '{key}' is given twice; keep one.");
            }

            entries.Add((key, item.Value!));
        }
    }

    public string Title { get; }

    public int Line { get; }

    public IReadOnlyList<(string Key, ValueSyntax Value)> Entries => entries;

    /// <summary>Text of a key, of one part only.</summary>
    public static string KeyText(KeySyntax key)
    {
        if (key.DotKeys.ChildrenCount > 0)
        {
            throw Problem(key, key.ToString().Trim(), "dotted keys are not used here; write the key in its table.");
        }

        return key.Key switch
        {
            BareKeySyntax bare => bare.Key?.Text ?? "",
            StringValueSyntax quoted => quoted.Value ?? "",
            _ => key.ToString().Trim(),
        };
    }

    public static RecordingException Problem(SyntaxNodeBase place, string value, string problem) =>
        new(File, place.Span.Start.Line + 1, place.Span.Start.Column + 1, value, problem);

    /// <summary>Refuses keys that nobody reads: a misspelt key must not be ignored.</summary>
    public void Allow(params ReadOnlySpan<string> known)
    {
        foreach ((string key, ValueSyntax value) in entries)
        {
            if (!known.Contains(key))
            {
                throw Problem(
                    value, key, $"unknown key '{key}' in {Title}; known keys are {string.Join(", ", known!)}.");
            }
        }
    }

    public string? FindText(string key, int lengthMax)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        if (value is not StringValueSyntax { Value: { Length: > 0 } text } || text.Length > lengthMax)
        {
            throw Problem(value, TextOf(value), $"'{key}' must be a text of 1 to {lengthMax} characters in quotes.");
        }

        return text;
    }

    public string GetText(string key, int lengthMax) => FindText(key, lengthMax) ?? throw Missing(key);

    public int GetInteger(string key, int min, int max)
    {
        ValueSyntax value = Find(key) ?? throw Missing(key);
        if (value is IntegerValueSyntax integer && integer.Value >= min && integer.Value <= max)
        {
            return (int)integer.Value;
        }

        throw Problem(value, TextOf(value), $"'{key}' must be a whole number from {min} to {max}.");
    }

    /// <summary>A number that is finite and not 0.</summary>
    public double GetNumber(string key)
    {
        ValueSyntax value = Find(key) ?? throw Missing(key);
        double number = value switch
        {
            FloatValueSyntax f => f.Value,
            IntegerValueSyntax i => i.Value,
            _ => double.NaN,
        };
        if (double.IsFinite(number) && number != 0)
        {
            return number;
        }

        throw Problem(value, TextOf(value), $"'{key}' must be a finite number other than 0.");
    }

    public IReadOnlyList<ManifestFile> FindFiles(string key)
    {
        if (Find(key) is not { } value)
        {
            return [];
        }

        if (value is not ArraySyntax array)
        {
            throw Problem(value, TextOf(value), $"'{key}' must be a list of file names such as [\"a.csv.gz\"].");
        }

        var files = new List<ManifestFile>();
        foreach (ArrayItemSyntax item in array.Items)
        {
            if (item.Value is not StringValueSyntax { Value: { Length: > 0 } name } text)
            {
                throw Problem(item, TextOf(item), $"'{key}' must list file names in quotes.");
            }

            files.Add(new ManifestFile(name, text.Span.Start.Line + 1, text.Span.Start.Column + 1));
        }

        return files;
    }

    public ValueSyntax Place(string key) => Find(key) ?? throw Missing(key);

    public RecordingException Missing(string key) =>
        new(File, Line, 0, "", string.Create(CultureInfo.InvariantCulture, $"{Title} lacks the key '{key}'; add it."));

    private static string TextOf(SyntaxNode value) => value.ToString().Trim();

    private ValueSyntax? Find(string key)
    {
        int index = entries.FindIndex(e => e.Key == key);
        return index < 0 ? null : entries[index].Value;
    }
}
