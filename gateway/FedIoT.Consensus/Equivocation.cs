using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>Two signed messages of one validator of which an honest one signs only one. Proves itself.</summary>
public abstract record Equivocation
{
    private Equivocation()
    {
    }

    /// <summary>Who did it.</summary>
    public abstract AccountId Validator { get; }

    /// <summary>At which height.</summary>
    public abstract Height Height { get; }

    /// <summary>
    /// The evidence as the bytes of a transaction, deterministic CBOR
    /// <c>["fediot/1 equivocation", kind, height, round, validator, first, second]</c>. Whoever saw the same two
    /// messages makes the same bytes. Format: docs/spec/consensus.md "Evidence".
    /// </summary>
    public abstract byte[] Encode();

    /// <summary>True when both messages are signed by this member and contradict each other.</summary>
    public abstract bool Verify(string chainId, ValidatorSet validators);

    /// <summary>Two votes of one height, round and type for different blocks.</summary>
    public sealed record Votes(SignedVote First, SignedVote Second) : Equivocation
    {
        /// <inheritdoc/>
        public override AccountId Validator => First.Vote.Validator;

        /// <inheritdoc/>
        public override Height Height => First.Vote.Height;

        /// <inheritdoc/>
        public override byte[] Encode()
        {
            (SignedVote low, SignedVote high) =
                First.Vote.BlockHash.CompareTo(Second.Vote.BlockHash) <= 0 ? (First, Second) : (Second, First);
            return EquivocationEncoding.Write(
                (int)First.Vote.Type, Height, First.Vote.Round, Validator,
                (null, low.Vote.BlockHash, low.Signature), (null, high.Vote.BlockHash, high.Signature));
        }

        /// <inheritdoc/>
        public override bool Verify(string chainId, ValidatorSet validators) =>
            First.Vote.BlockHash != Second.Vote.BlockHash
            && First.Vote == Second.Vote with { BlockHash = First.Vote.BlockHash }
            && First.Verify(chainId, validators) && Second.Verify(chainId, validators);
    }

    /// <summary>Two proposals of one height and round that differ.</summary>
    public sealed record Proposals(
        Proposal First, ReadOnlyMemory<byte> FirstSignature, Proposal Second, ReadOnlyMemory<byte> SecondSignature)
        : Equivocation
    {
        /// <inheritdoc/>
        public override AccountId Validator => First.Proposer;

        /// <inheritdoc/>
        public override Height Height => First.Height;

        /// <inheritdoc/>
        public override byte[] Encode()
        {
            var first = ((int?)First.PolRound, First.BlockHash, FirstSignature);
            var second = ((int?)Second.PolRound, Second.BlockHash, SecondSignature);
            bool isOrdered =
                (First.BlockHash, First.PolRound).CompareTo((Second.BlockHash, Second.PolRound)) <= 0;
            return EquivocationEncoding.Write(
                EquivocationEncoding.ProposalKind, Height, First.Round, Validator,
                isOrdered ? first : second, isOrdered ? second : first);
        }

        /// <inheritdoc/>
        public override bool Verify(string chainId, ValidatorSet validators)
        {
            ArgumentNullException.ThrowIfNull(validators);
            int index = validators.IndexOf(First.Proposer);
            if (index < 0 || First == Second || First.Height != Second.Height || First.Round != Second.Round
                || First.Proposer != Second.Proposer)
            {
                return false;
            }

            var key = validators[index].Key;
            return key.Verify(First.SignBytes(chainId, key), FirstSignature.Span)
                && key.Verify(Second.SignBytes(chainId, key), SecondSignature.Span);
        }
    }
}
