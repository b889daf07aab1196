using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Sync;

/// <summary>What a manifest's headers are worth to somebody who trusts one block.</summary>
/// <param name="Following">
/// The header above the snapshot, which names the state root; null when it is not proven.
/// </param>
/// <param name="Problem">Why not; empty when it is.</param>
/// <param name="IsLie">
/// True: no honest node makes such a manifest. False: it may be the trusted block that is wrong.
/// </param>
internal sealed record SnapshotProof(BlockHeader? Following, string Problem, bool IsLie)
{
    /// <summary>Judges a manifest. Pure.</summary>
    /// <param name="chainId">The chain.</param>
    /// <param name="trusted">What is believed.</param>
    /// <param name="genesis">The set that genesis names.</param>
    /// <param name="manifest">What a peer sent.</param>
    public static SnapshotProof Of(
        string chainId, TrustedBlock trusted, ValidatorSet genesis, SnapshotManifest manifest)
    {
        if (manifest.Headers.Any(h => h.ChainId != chainId))
        {
            return Lie("a header of another chain");
        }

        return trusted.Height > manifest.Height
            ? Below(trusted, manifest)
            : Above(chainId, trusted, genesis, manifest);
    }

    private static SnapshotProof Lie(string problem) => new(null, problem, IsLie: true);

    private static SnapshotProof Other(TrustedBlock trusted, BlockHeader found) => new(
        null, $"its block {trusted.Height} has the hash {Hash256.Of(found.Encode())}, not the trusted one",
        IsLie: false);

    // The trusted block names the one before it, and so on down to the one above the snapshot: hashes are enough.
    private static SnapshotProof Below(TrustedBlock trusted, SnapshotManifest manifest)
    {
        IReadOnlyList<BlockHeader> headers = manifest.Headers;
        if (headers.Count != trusted.Height.Value - manifest.Height.Value || headers[^1].Height != trusted.Height)
        {
            return Lie("not the headers between the snapshot and the trusted block");
        }

        for (int i = 0; i < headers.Count - 1; i++)
        {
            if (headers[i + 1].PreviousBlockHash != Hash256.Of(headers[i].Encode())
                || headers[i].Height.Next != headers[i + 1].Height)
            {
                return Lie($"header {headers[i + 1].Height} does not continue the one before");
            }
        }

        return Hash256.Of(headers[^1].Encode()) == trusted.Hash
            ? new SnapshotProof(headers[0], string.Empty, IsLie: false)
            : Other(trusted, headers[^1]);
    }

    // The header above the snapshot is younger than the trusted one: its own validators must have signed it, and more
    // than a third of those who are trusted must be among them.
    private static SnapshotProof Above(
        string chainId, TrustedBlock trusted, ValidatorSet genesis, SnapshotManifest manifest)
    {
        if (manifest.Headers is not [BlockHeader first, BlockHeader following] || first.Height != trusted.Height
            || following.Height != manifest.Height.Next
            || manifest.Commit is not { } commit || manifest.Validators is not { } validators)
        {
            return Lie("not the header of the trusted block and the signed one above the snapshot");
        }

        if (Hash256.Of(first.Encode()) != trusted.Hash)
        {
            return Other(trusted, first);
        }

        LightVerdict verdict = LightVerifier.Verify(
            LightTrust.In(chainId, validators), new LightBlock(following, commit, validators));
        if (verdict != LightVerdict.Valid)
        {
            return Lie($"header {following.Height}: {verdict}");
        }

        ValidatorSet? known = first.ValidatorsHash == validators.Hash ? validators
            : first.ValidatorsHash == genesis.Hash ? genesis
            : null;
        if (known is null)
        {
            return new SnapshotProof(
                null, $"the validators changed between {trusted.Height} and {following.Height}; name a newer block",
                IsLie: false);
        }

        if (known != validators && following.Height.Value - trusted.Height.Value > ConsensusLimits.TrustingBlocks)
        {
            return new SnapshotProof(
                null, $"the validators changed, and block {trusted.Height} is more than "
                + $"{ConsensusLimits.TrustingBlocks} blocks below {following.Height}: who left could not be punished "
                + "for a lie any more; name a newer block", IsLie: false);
        }

        long power = commit.Signatures.Select(s => known.IndexOf(validators[s.ValidatorIndex].Account))
            .Where(i => i >= 0).Sum(i => known[i].Power);
        return known.HasHonestMember(power)
            ? new SnapshotProof(following, string.Empty, IsLie: false)
            : new SnapshotProof(
                null, $"a third or less of the validators of block {trusted.Height} signed block {following.Height}; "
                + "name a newer block", IsLie: false);
    }
}
