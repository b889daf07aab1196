using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace FedIoT.Gateway.Configuration;

/// <summary>
/// A TOML file whose reader asks for tables and keys by name. What nobody asked for is a problem when reading ends:
/// a misspelt key must never be ignored.
/// </summary>
internal sealed class TomlFile
{
    private readonly ProblemList problems;
    private readonly List<(string Name, bool IsArray, TomlTable Table)> tables = [];
    private readonly SortedSet<string> asked = new(StringComparer.Ordinal);

    private TomlFile(string name, DocumentSyntax document, ProblemList problems)
    {
        this.problems = problems;
        Name = name;
        Root = new TomlTable(name, new TextPlace(name, 0, 0), document.KeyValues, problems);
        foreach (TableSyntaxBase table in document.Tables)
        {
            AddTable(table);
        }
    }

    /// <summary>The file's name in messages.</summary>
    public string Name { get; }

    /// <summary>Keys above the first table.</summary>
    public TomlTable Root { get; }

    /// <summary>Parses; a file that is no TOML gives its syntax errors as problems and null.</summary>
    public static TomlFile? Parse(string text, string name, ProblemList problems)
    {
        DocumentSyntax document = SyntaxParser.Parse(text, name, true);
        foreach (DiagnosticMessage error in document.Diagnostics.Where(d => d.Kind == DiagnosticMessageKind.Error))
        {
            problems.Add(
                new TextPlace(name, error.Span.Start.Line + 1, error.Span.Start.Column + 1),
                $"not TOML: {Shorten(error.Message)}");
        }

        return document.HasErrors ? null : new TomlFile(name, document, problems);
    }

    /// <summary>The table <c>[name]</c>; an absent one reports itself if it is required, and nothing more.</summary>
    public TomlTable Table(string name, bool isRequired = true)
    {
        asked.Add(name);
        TomlTable? found = tables.Find(t => t.Name == name && !t.IsArray).Table;
        if (found is null && tables.Find(t => t.Name == name).Table is { } repeated)
        {
            problems.Add(repeated.Place, $"expected [{name}], once; not [[{name}]]");
            return TomlTable.Absent(name, Name, problems);
        }

        if (found is null && isRequired)
        {
            problems.Add(new TextPlace(Name, 0, 0), $"the table [{name}] is missing");
        }

        return found ?? TomlTable.Absent(name, Name, problems);
    }

    /// <summary>All tables <c>[[name]]</c> in the file's order.</summary>
    public IReadOnlyList<TomlTable> Tables(string name)
    {
        asked.Add(name);
        foreach (var single in tables.Where(t => t.Name == name && !t.IsArray))
        {
            problems.Add(single.Table.Place, $"expected [[{name}]]; there may be several, so it takes two brackets");
        }

        return [.. tables.Where(t => t.Name == name && t.IsArray).Select(t => t.Table)];
    }

    /// <summary>Reports tables and keys that nobody asked for.</summary>
    public void RefuseUnknown()
    {
        Root.RefuseUnknown();
        foreach ((string name, _, TomlTable table) in tables)
        {
            if (asked.Contains(name))
            {
                table.RefuseUnknown();
            }
            else
            {
                problems.Add(table.Place, $"unknown table '{name}'{Suggestion.For(name, asked)}");
            }
        }
    }

    // The parser quotes whole tables, with the comments before them, behind the word "with".
    private static string Shorten(string message)
    {
        string line = message.Split('\n')[0].Split(" with `")[0].Trim().TrimEnd('.');
        return string.Concat(line.Where(c => !char.IsControl(c)));
    }

    private void AddTable(TableSyntaxBase syntax)
    {
        bool isArray = syntax is TableArraySyntax;
        string name = TomlTable.KeyText(syntax.Name!);
        TextPlace place = TomlTable.PlaceOf(Name, syntax);
        var table = new TomlTable(isArray ? $"[[{name}]]" : $"[{name}]", place, syntax.Items, problems);
        tables.Add((name, isArray, table));
    }
}
