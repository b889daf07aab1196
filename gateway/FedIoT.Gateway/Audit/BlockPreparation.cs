using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Gateway.Application;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// The part of an audit that runs ahead on all cores: decoding, commit signatures, and the transactions' signatures
/// into a memo that execution looks at. Signatures are nearly all of an audit's work. Thread-safe.
/// </summary>
internal sealed class BlockPreparation(string chainId, VerifiedSignatures signatures)
{
    /// <summary>Checks a block by itself.</summary>
    /// <param name="stored">The block.</param>
    /// <param name="known">A state of some blocks ago: whose keys these are. Never decides about a result.</param>
    /// <param name="sets">The validators of some blocks ago; often still those that the header names.</param>
    public PreparedBlock Prepare(StoredBlock stored, LedgerState known, ValidatorTriple sets)
    {
        if (stored.Problem is not null)
        {
            return new PreparedBlock(stored, Block: null, stored.Problem);
        }

        if (!Block.TryDecode(stored.Encoded, out Block? block) || block is null)
        {
            return new PreparedBlock(stored, Block: null, Diagnose(stored));
        }

        foreach (ReadOnlyMemory<byte> transaction in block.Transactions)
        {
            known.CheckTransaction(transaction, signatures);
        }

        // That the header names the right set is checked in order; here its hash only chooses keys.
        Hash256 named = block.Header.ValidatorsHash;
        ValidatorSet? validators = sets.Current.Hash == named ? sets.Current
            : sets.Next.Hash == named ? sets.Next
            : null;
        return validators is null
            ? new PreparedBlock(stored, block, Problem: null, IsCommitChecked: false)
            : new PreparedBlock(stored, block, FindProblem(stored, block, validators));
    }

    /// <summary>Checks commit and proposer of a block with the validators of its height.</summary>
    public AuditFinding? FindProblem(StoredBlock stored, Block block, ValidatorSet validators)
    {
        BlockHeader header = block.Header;
        if (!Commit.TryDecode(stored.Commit, out Commit? commit) || commit is null)
        {
            return new AuditFinding(stored.Height, "commit", "its canonical encoding", "other bytes");
        }

        if (CommitVerifier.Verify(chainId, validators, commit) is var own and not CommitVerdict.Valid)
        {
            return new AuditFinding(
                stored.Height, "commit", "signatures of more than two thirds of the power", Words(own));
        }

        return MayPropose(header, commit.Round, validators)
            ? null
            : new AuditFinding(
                stored.Height, "proposer", $"the one of a round from 0 to {commit.Round}", header.Proposer.ToString());
    }

    /// <summary>Checks the last commit of a block with the validators of the height before.</summary>
    public AuditFinding? FindLastCommitProblem(StoredBlock stored, Block block, ValidatorSet validators) =>
        // The record of the commit before was verified with its own block: often it is the very same bytes.
        block.LastCommit is { } last && block.Header.LastCommitHash != stored.PreviousCommitHash
        && CommitVerifier.Verify(chainId, validators, last) is var verdict and not CommitVerdict.Valid
            ? new AuditFinding(
                stored.Height, "last commit", "signatures of more than two thirds of the power", Words(verdict))
            : null;

    // A block keeps the proposer of the round that it was built in; a later round may decide it.
    private static bool MayPropose(BlockHeader header, int round, ValidatorSet validators)
    {
        int rounds = Math.Min(round, ConsensusLimits.ReducedPowerMax);
        for (int r = 0; r <= rounds; r++)
        {
            if (validators.Proposer(header.Height, r) == header.Proposer)
            {
                return true;
            }
        }

        return false;
    }

    private static string Words(CommitVerdict verdict) => verdict switch
    {
        CommitVerdict.UnknownValidator => "a signature of a position outside the set",
        CommitVerdict.NotAscending => "positions that do not ascend",
        CommitVerdict.TooLittlePower => "two thirds of the power or less",
        _ => "a signature that is not its validator's",
    };

    // The decoder says only no. What exactly does not match is worked out here, once, for the report.
    private static AuditFinding Diagnose(StoredBlock stored)
    {
        AuditFinding malformed = new(stored.Height, "block", "its canonical encoding", "other bytes");
        if (!Block.TryReadHeader(stored.Encoded, out BlockHeader? header, out _) || header is null)
        {
            return malformed;
        }

        try
        {
            var reader = new CborReader(stored.Encoded, CborConformanceMode.Canonical);
            reader.ReadStartArray();
            reader.ReadByteString();
            var transactions = new List<ReadOnlyMemory<byte>>();
            for (reader.ReadStartArray(); reader.PeekState() != CborReaderState.EndArray;)
            {
                transactions.Add(reader.ReadDefiniteLengthByteString());
            }

            reader.ReadEndArray();
            Hash256 root = MerkleTree.DataRoot(transactions);
            if (root != header.TransactionsRoot)
            {
                return new AuditFinding(
                    stored.Height, "transactions root", header.TransactionsRoot.ToString(), root.ToString());
            }

            Hash256 commit = reader.PeekState() == CborReaderState.ByteString
                ? Hash256.Of(reader.ReadByteString())
                : Hash256.Zero;
            return commit == header.LastCommitHash
                ? malformed
                : new AuditFinding(
                    stored.Height, "last commit's hash", header.LastCommitHash.ToString(), commit.ToString());
        }
        catch (Exception e) when (e is CborContentException or InvalidOperationException)
        {
            return malformed; // the reader's way to say "not canonical CBOR of the expected shape"
        }
    }
}
