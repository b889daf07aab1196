namespace FedIoT.Wire;

/// <summary>Number of a block; the first block has height 1, 0 is genesis.</summary>
/// <param name="Value">Non-negative.</param>
public readonly record struct Height(long Value) : IComparable<Height>
{
    /// <summary>The height of genesis.</summary>
    public static Height Genesis => default;

    /// <summary>The height after this one.</summary>
    public Height Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(Height other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Numeric order.</summary>
    public static bool operator <(Height left, Height right) => left.Value < right.Value;

    /// <summary>Numeric order.</summary>
    public static bool operator >(Height left, Height right) => left.Value > right.Value;

    /// <summary>Numeric order.</summary>
    public static bool operator <=(Height left, Height right) => left.Value <= right.Value;

    /// <summary>Numeric order.</summary>
    public static bool operator >=(Height left, Height right) => left.Value >= right.Value;
}
