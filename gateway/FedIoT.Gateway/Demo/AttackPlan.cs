namespace FedIoT.Gateway.Demo;

/// <summary>An attack and how many gateways run it: <c>--attack scaled:1</c>.</summary>
/// <param name="Kind">What they do.</param>
/// <param name="Gateways">How many, counted from the last gateway down.</param>
public sealed record AttackPlan(AttackKind Kind, int Gateways)
{
    /// <summary>Names on the command line.</summary>
    public static IReadOnlyDictionary<string, AttackKind> Names { get; } =
        new SortedDictionary<string, AttackKind>(StringComparer.Ordinal)
        {
            ["label-flip"] = AttackKind.LabelFlip,
            ["noise"] = AttackKind.Noise,
            ["scaled"] = AttackKind.Scaled,
            ["sign-flip"] = AttackKind.SignFlip,
        };

    /// <summary>Parses <c>NAME:COUNT</c>; false with a sentence that says what is expected.</summary>
    public static bool TryParse(string text, out AttackPlan? plan, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        plan = null;
        problem = $"'{text}' is not an attack: expected NAME:COUNT with NAME one of {string.Join(", ", Names.Keys)}, "
            + "such as scaled:1";
        string[] parts = text.Split(':');
        if (parts.Length != 2 || !Names.TryGetValue(parts[0], out AttackKind kind)
            || !int.TryParse(parts[1], System.Globalization.NumberStyles.None, null, out int count) || count < 1)
        {
            return false;
        }

        plan = new AttackPlan(kind, count);
        return true;
    }

    /// <summary>True when the gateway with this index of <paramref name="gateways"/> is hostile.</summary>
    public bool Includes(int index, int gateways) => index >= gateways - Gateways;

    /// <summary>The command line's form.</summary>
    public override string ToString() => $"{Names.First(n => n.Value == Kind).Key}:{Gateways}";
}
