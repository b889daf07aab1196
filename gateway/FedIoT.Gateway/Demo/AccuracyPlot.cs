using System.Globalization;
using System.Text;

namespace FedIoT.Gateway.Demo;

/// <summary>Draws accuracy per round as a standalone SVG: one line, labelled axes, no script.</summary>
public static class AccuracyPlot
{
    private const int Width = 720;
    private const int Height = 360;
    private const int Left = 56;
    private const int Right = 24;
    private const int Top = 40;
    private const int Bottom = 48;

    /// <summary>The SVG text.</summary>
    /// <param name="accuracyByRound">Accuracy after rounds 1, 2, …; each 0 to 1.</param>
    /// <param name="title">Shown above; escaped here.</param>
    public static string Draw(IReadOnlyList<double> accuracyByRound, string title)
    {
        ArgumentNullException.ThrowIfNull(accuracyByRound);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{Height}" viewBox="0 0 {Width} {Height}"
              font-family="sans-serif" font-size="12">
            <rect width="{Width}" height="{Height}" fill="white"/>
            <text x="{Left}" y="24" font-size="14">{System.Security.SecurityElement.Escape(title)}</text>

            """);
        for (int tenth = 0; tenth <= 10; tenth++)
        {
            double y = Y(tenth / 10.0);
            string colour = tenth == 0 ? "#444" : "#ddd";
            svg.Append(CultureInfo.InvariantCulture, $"""
                <line x1="{Left}" y1="{y:0.#}" x2="{Width - Right}" y2="{y:0.#}" stroke="{colour}"/>
                <text x="{Left - 8}" y="{y + 4:0.#}" text-anchor="end">{tenth / 10.0:0.0}</text>

                """);
        }

        AppendRounds(svg, accuracyByRound);
        svg.Append("</svg>\n");
        return svg.ToString();
    }

    private static void AppendRounds(StringBuilder svg, IReadOnlyList<double> accuracy)
    {
        int rounds = accuracy.Count;
        int step = Math.Max(1, (rounds + 9) / 10);
        for (int round = 1; round <= rounds; round++)
        {
            if (round == 1 || round == rounds || round % step == 0)
            {
                svg.Append(CultureInfo.InvariantCulture, $"""
                    <text x="{X(round, rounds):0.#}" y="{Height - Bottom + 18}" text-anchor="middle">{round}</text>

                    """);
            }
        }

        string points = string.Join(' ', accuracy.Select((a, i) => string.Create(
            CultureInfo.InvariantCulture, $"{X(i + 1, rounds):0.#},{Y(a):0.#}")));
        svg.Append(CultureInfo.InvariantCulture, $"""
            <polyline points="{points}" fill="none" stroke="#0a6ebd" stroke-width="2"/>
            <text x="{(Left + Width - Right) / 2}" y="{Height - 10}" text-anchor="middle">round</text>

            """);
        for (int i = 0; i < rounds; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"""
                <circle cx="{X(i + 1, rounds):0.#}" cy="{Y(accuracy[i]):0.#}" r="2.5" fill="#0a6ebd">
                  <title>round {i + 1}: {accuracy[i]:0.0000}</title>
                </circle>

                """);
        }
    }

    private static double X(int round, int rounds) =>
        rounds == 1 ? (Left + Width - Right) / 2.0
        : Left + 8 + ((Width - Left - Right - 16) * (round - 1.0) / (rounds - 1));

    private static double Y(double accuracy) => Height - Bottom - ((Height - Top - Bottom) * accuracy);
}
