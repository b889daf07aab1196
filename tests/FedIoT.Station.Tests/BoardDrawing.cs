using System.Net;
using System.Text;

namespace FedIoT.Station.Tests;

/// <summary>
/// Draws a board's wiring. Text, a line each: <c>title TEXT</c>, <c>note TEXT</c>, <c>part NAME left|right</c>,
/// <c>wire LEFT-PART PIN RIGHT-PART PIN COLOUR</c>. A wire is a row; rows of one right part stand together.
/// </summary>
internal static class BoardDrawing
{
    private const int RowHeight = 24;
    private const int Top = 70;
    private const int LeftBox = 20;
    private const int RightBox = 460;
    private const int BoxWidth = 200;

    public static string Draw(string source)
    {
        string title = string.Empty;
        var notes = new List<string>();
        var sides = new Dictionary<string, string>(StringComparer.Ordinal);
        var wires = new List<string[]>();
        foreach (string line in source.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            switch (words[0])
            {
                case "title":
                    title = line["title ".Length..];
                    break;
                case "note":
                    notes.Add(line["note ".Length..]);
                    break;
                case "part" when words is [_, _, "left" or "right"]:
                    sides.Add(words[1], words[2]);
                    break;
                case "wire" when words.Length == 6 && sides.GetValueOrDefault(words[1]) == "left"
                    && sides.GetValueOrDefault(words[3]) == "right":
                    wires.Add(words);
                    break;
                default:
                    throw new FormatException($"not a line of a board: {line}");
            }
        }

        return Render(title, notes, wires);
    }

    private static string Render(string title, List<string> notes, List<string[]> wires)
    {
        var rows = wires.GroupBy(w => w[3], StringComparer.Ordinal).ToList();
        int height = Top + ((wires.Count + rows.Count) * RowHeight) + 20 + (notes.Count * 20);
        var svg = new StringBuilder();
        svg.Append(System.Globalization.CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" ")
            .Append(System.Globalization.CultureInfo.InvariantCulture, $"viewBox=\"0 0 680 {height}\" ")
            .Append("font-family=\"sans-serif\" font-size=\"13\">\n")
            .Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        Text(svg, LeftBox, 26, title, "font-size=\"16\"");
        Text(svg, LeftBox, Top - 14, wires[0][1], "font-weight=\"bold\"");
        Box(svg, LeftBox, Top, ((wires.Count + rows.Count) * RowHeight) - 6);
        int y = Top;
        foreach (IGrouping<string, string[]> part in rows)
        {
            Text(svg, RightBox + 90, y + 16, part.Key, "font-weight=\"bold\"");
            Box(svg, RightBox, y, ((part.Count() + 1) * RowHeight) - 6);
            foreach (string[] wire in part)
            {
                y += RowHeight;
                Line(svg, LeftBox + BoxWidth, RightBox, y + 8, wire[5]);
                Text(svg, LeftBox + 60, y + 12, wire[2], string.Empty);
                Text(svg, RightBox + 8, y + 12, wire[4], string.Empty);
            }

            y += RowHeight;
        }

        for (int i = 0; i < notes.Count; i++)
        {
            Text(svg, LeftBox, y + 20 + (20 * i), notes[i], "fill=\"#555\"");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Text(StringBuilder svg, int x, int y, string text, string style) => svg.Append(
        System.Globalization.CultureInfo.InvariantCulture,
        $"<text x=\"{x}\" y=\"{y}\" {style}>{WebUtility.HtmlEncode(text)}</text>\n");

    private static void Box(StringBuilder svg, int x, int y, int height) => svg.Append(
        System.Globalization.CultureInfo.InvariantCulture,
        $"<rect x=\"{x}\" y=\"{y}\" width=\"{BoxWidth}\" height=\"{height}\" rx=\"4\" ")
        .Append("fill=\"none\" stroke=\"black\"/>\n");

    private static void Line(StringBuilder svg, int from, int to, int y, string colour) => svg.Append(
        System.Globalization.CultureInfo.InvariantCulture,
        $"<path d=\"M{from} {y}H{to}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n");
}
