namespace FedIoT.Gateway.Configuration;

/// <summary>Finds the word that a misspelt one was meant to be.</summary>
internal static class Suggestion
{
    /// <summary><c>; did you mean 'x'?</c>, or the known words when none is near.</summary>
    public static string For(string word, IReadOnlyCollection<string> known)
    {
        string? nearest = known.MinBy(k => Distance(word, k));
        if (nearest is not null && Distance(word, nearest) <= Math.Max(2, word.Length / 3))
        {
            return $"; did you mean '{nearest}'?";
        }

        return known.Count == 0 ? string.Empty : $"; known are {string.Join(", ", known)}";
    }

    // Optimal string alignment: fewest insertions, deletions, replacements and swaps of neighbours.
    private static int Distance(string from, string to)
    {
        var cost = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            for (int j = 0; j <= to.Length; j++)
            {
                cost[i, j] = i == 0 || j == 0 ? i + j : Math.Min(
                    cost[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1),
                    Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
                }
            }
        }

        return cost[from.Length, to.Length];
    }
}
