namespace FedIoT.Gateway.Admin;

/// <summary>Which node key this gateway's account has, and where a change of it stands. docs/spec/admin.md.</summary>
internal sealed record NodeKeysAnswer
{
    public const string SchemaName = "fediot.node-keys/1";

    public string Schema { get; init; } = SchemaName;

    public required string Account { get; init; }

    /// <summary>The account's present key; null when the chain does not know the account.</summary>
    public required string? Key { get; init; }

    public required string? Algorithm { get; init; }

    /// <summary>First height that the key may vote at; 0 for the first key.</summary>
    public required long KeySince { get; init; }

    public required int Rotations { get; init; }

    /// <summary>The key that the node signs and connects with now.</summary>
    public required string SignsWith { get; init; }

    /// <summary>The key of <c>[keys] next_node</c>; null for none.</summary>
    public required string? NextKey { get; init; }

    public required long Height { get; init; }

    /// <summary>One of <see cref="KeyPhases"/>.</summary>
    public required string Phase { get; init; }

    /// <summary>What to do, a sentence; null when there is nothing.</summary>
    public required string? Advice { get; init; }
}
