using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing;

/// <summary>
/// Signs votes and proposals and never contradicts itself: a chip signs anything, a double vote included, so the
/// rule lives here. (height, round, step) only grows; the same bytes get the same signature again; a signature is
/// durable before anybody sees it.
/// </summary>
/// <remarks>Thread-safe. Does not own key or state. The state belongs to one process: opening it takes a
/// lock.</remarks>
public sealed class GuardedSigner
{
    private readonly Lock gate = new();
    private readonly ISigner signer;
    private readonly ISignState state;
    private readonly string chainId;
    private bool memoryFailed;

    /// <summary>Puts the guard in front of a key.</summary>
    /// <param name="signer">The key.</param>
    /// <param name="state">What it has signed, on this chain and no other.</param>
    /// <param name="chainId">The chain.</param>
    public GuardedSigner(ISigner signer, ISignState state, string chainId)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentException.ThrowIfNullOrEmpty(chainId);
        this.signer = signer;
        this.state = state;
        this.chainId = chainId;
    }

    /// <summary>Signs a vote; null when that would contradict or precede an earlier signature.</summary>
    /// <exception cref="SignerException">
    /// The token failed, or the state could not be written, now or earlier: nothing leaves.
    /// </exception>
    public SignedVote? TrySign(Vote vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        ConsensusStep step = vote.Type == VoteType.Prevote ? ConsensusStep.Prevote : ConsensusStep.Precommit;
        byte[]? signature = vote.Validator == signer.PublicKey.Account
            ? TrySign(vote.Height, vote.Round, step, vote.BlockHash, vote.SignBytes(chainId, signer.PublicKey))
            : null;
        return signature is null ? null : new SignedVote(vote, signature);
    }

    /// <summary>Signs a proposal; null when that would contradict or precede an earlier signature.</summary>
    /// <exception cref="ArgumentException">The block is not the one that the proposal names.</exception>
    /// <exception cref="SignerException">As for a vote.</exception>
    public SignedProposal? TrySign(Proposal proposal, Block block)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        ArgumentNullException.ThrowIfNull(block);
        if (block.Hash != proposal.BlockHash)
        {
            throw new ArgumentException("The proposal names another block.", nameof(block));
        }

        byte[]? signature = proposal.Proposer == signer.PublicKey.Account
            ? TrySign(
                proposal.Height, proposal.Round, ConsensusStep.Propose, proposal.BlockHash,
                proposal.SignBytes(chainId, signer.PublicKey))
            : null;
        return signature is null ? null : new SignedProposal(proposal, signature, block);
    }

    private byte[]? TrySign(Height height, int round, ConsensusStep step, Hash256 blockHash, byte[] signBytes)
    {
        Hash256 signBytesHash = Hash256.Of(signBytes);
        lock (gate)
        {
            if (memoryFailed)
            {
                throw new SignerException(
                    "Writing down a signature failed earlier, so it is not known what a restart would find. Nothing is "
                    + "signed until the node is restarted.");
            }

            SignRecord? same = state.At(height).FirstOrDefault(r => r.Round == round && r.Step == step);
            if (same is not null)
            {
                return same.SignBytesHash == signBytesHash ? same.Signature.ToArray() : null;
            }

            if (state.Last is { } last
                && (height.Value, round, (int)step).CompareTo((last.Height.Value, last.Round, (int)last.Step)) <= 0)
            {
                return null;
            }

            var signature = new byte[VerifyingKey.SignatureLength];
            signer.Sign(signBytes, signature);

            // A record that failed may be on the disk or not. Were the step signed again for another block, the log
            // could hold both, and a restart would hand out the wrong one.
            memoryFailed = true;
            try
            {
                state.Append(new SignRecord(
                    signer.PublicKey.Account, height, round, step, blockHash, signBytesHash, signature));
            }
            catch (SignerException)
            {
                memoryFailed = false; // the chip's counter did not move, and nothing was written before it
                throw;
            }

            memoryFailed = false;
            return signature;
        }
    }
}
