using System.Collections.Immutable;
using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>The standing votes on one account's voting power. Stays, empty, when it is decided. Immutable.</summary>
/// <param name="Candidate">Whose power.</param>
/// <param name="Votes">By the validators' accounts.</param>
public sealed record PowerBallot(AccountId Candidate, ImmutableSortedDictionary<AccountId, PowerVote> Votes);
