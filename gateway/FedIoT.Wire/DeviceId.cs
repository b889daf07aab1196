namespace FedIoT.Wire;

/// <summary>
/// Name of a sensor device: 1 to 24 characters of <c>a-z 0-9 -</c>, so that it can stand in a topic, a key id and
/// a terminal without escaping. Ordinal order.
/// </summary>
public readonly record struct DeviceId : IComparable<DeviceId>
{
    /// <summary>Longest name, in characters (= bytes).</summary>
    public const int LengthMax = 24;

    private readonly string? text;

    /// <summary>Checks and wraps a name.</summary>
    /// <exception cref="ArgumentException">Empty, too long, or a character outside <c>a-z 0-9 -</c>.</exception>
    public DeviceId(string text)
    {
        if (!IsValid(text))
        {
            throw new ArgumentException(
                $"A device id has 1 to {LengthMax} characters of a-z, 0-9 and '-', got '{text}'.", nameof(text));
        }

        this.text = text;
    }

    /// <summary>The name; empty for <c>default</c>.</summary>
    public string Text => text ?? string.Empty;

    /// <summary>True when <paramref name="text"/> can be a device id.</summary>
    public static bool IsValid(string? text) =>
        text is { Length: >= 1 and <= LengthMax } && text.All(c => c is >= 'a' and <= 'z' or >= '0' and <= '9' or '-');

    /// <summary>False when the text is not a device id.</summary>
    public static bool TryParse(string? text, out DeviceId id)
    {
        id = IsValid(text) ? new DeviceId(text!) : default;
        return id.text is not null;
    }

    /// <inheritdoc/>
    public int CompareTo(DeviceId other) => string.CompareOrdinal(Text, other.Text);

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Ordinal order.</summary>
    public static bool operator <(DeviceId left, DeviceId right) => left.CompareTo(right) < 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >(DeviceId left, DeviceId right) => left.CompareTo(right) > 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator <=(DeviceId left, DeviceId right) => left.CompareTo(right) <= 0;

    /// <summary>Ordinal order.</summary>
    public static bool operator >=(DeviceId left, DeviceId right) => left.CompareTo(right) >= 0;
}
