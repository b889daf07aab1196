namespace FedIoT.Wire;

/// <summary>Identity of a key holder on the chain: SHA-256 of the public key (architecture decision 3).</summary>
/// <param name="Value">The hash.</param>
public readonly record struct AccountId(Hash256 Value) : IComparable<AccountId>
{
    /// <inheritdoc/>
    public int CompareTo(AccountId other) => Value.CompareTo(other.Value);

    /// <summary>64 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString();

    /// <summary>Order of the bytes.</summary>
    public static bool operator <(AccountId left, AccountId right) => left.Value < right.Value;

    /// <summary>Order of the bytes.</summary>
    public static bool operator >(AccountId left, AccountId right) => left.Value > right.Value;

    /// <summary>Order of the bytes.</summary>
    public static bool operator <=(AccountId left, AccountId right) => left.Value <= right.Value;

    /// <summary>Order of the bytes.</summary>
    public static bool operator >=(AccountId left, AccountId right) => left.Value >= right.Value;
}
