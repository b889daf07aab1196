using System.Globalization;
using System.Text;

namespace FedIoT.Gateway.Operate;

/// <summary>Plain tables for terminals of 80 columns; foreign texts are made harmless before they are shown.</summary>
internal static class TextTable
{
    /// <summary>Columns of the narrowest terminal that people use.</summary>
    public const int ColumnsMax = 80;

    /// <summary>A head and rows, columns two spaces apart; the last column is cut at the terminal's edge.</summary>
    public static string Format(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<string[]> all = [[.. head], .. rows.Select(r => r.Select(Clean).ToArray())];
        int[] widths = [.. head.Select((_, column) => all.Max(r => r[column].Length))];
        return string.Join('\n', all.Select(r => Line(r, widths)));
    }

    /// <summary>Names and values, one pair a line.</summary>
    public static string Pairs(params (string Name, string Value)[] pairs)
    {
        int width = pairs.Max(p => p.Name.Length) + 2;
        return string.Join('\n', pairs.Select(p => Cut($"{p.Name.PadRight(width)}{Clean(p.Value)}")));
    }

    /// <summary>The start of a hash or an account: enough to tell a few apart.</summary>
    public static string Short(string hash) => hash.Length <= 12 ? hash : hash[..12];

    /// <summary>Milliseconds since 1970 as a time in UTC.</summary>
    public static string Time(long milliseconds) => milliseconds == 0 ? "-" : DateTimeOffset
        .FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Control and formatting characters become '?': no text can move the cursor or reverse a line.</summary>
    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            clean.Append(char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator ? '?' : c);
        }

        return clean.ToString();
    }

    /// <summary>A long text on several lines, broken at spaces where there are any.</summary>
    public static IEnumerable<string> Wrap(string text, string indent)
    {
        string rest = Clean(text);
        int width = ColumnsMax - indent.Length;
        while (rest.Length > width)
        {
            int space = rest.LastIndexOf(' ', width);
            int end = space > 0 ? space : width;
            yield return indent + rest[..end];
            rest = rest[end..].TrimStart();
        }

        yield return indent + rest;
    }

    private static string Line(string[] cells, int[] widths) => Cut(string.Join(
        "  ", cells.Select((c, i) => i == cells.Length - 1 ? c : c.PadRight(widths[i]))).TrimEnd());

    private static string Cut(string line) => line.Length <= ColumnsMax ? line : line[..(ColumnsMax - 1)] + "…";
}
