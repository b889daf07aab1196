using FedIoT.Wire;

namespace FedIoT.Consensus.Tests;

/// <summary>Validators with keys, in the order of the set.</summary>
internal sealed class TestChain
{
    public const string Id = "test-chain";

    public TestChain(int count, Func<int, long>? power = null)
    {
        Signers = [.. Enumerable.Range(0, count).Select(i => new TestSigner(i)).OrderBy(s => s.PublicKey.Account)];
        Validators = new ValidatorSet(
            Signers.Select((s, i) => new Validator(s.PublicKey, power?.Invoke(i) ?? 1)));
    }

    public TestSigner[] Signers { get; }

    public ValidatorSet Validators { get; }

    public AccountId Account(int index) => Signers[index].PublicKey.Account;

    public static Block MakeBlock(
        ValidatorSet validators, AccountId proposer, long height, string content, Block? on = null,
        Commit? commit = null)
    {
        var header = new BlockHeader(
            Id, new Height(height), 1_000 * height, on?.Hash ?? Hash256.Zero, Hash256.Zero, Hash256.Zero,
            Hash256.Of("state"u8), validators.Hash, validators.Hash, proposer);
        return Block.Create(header, [System.Text.Encoding.UTF8.GetBytes(content)], commit);
    }

    public Block MakeBlock(int proposer, string content, long height = 1) =>
        MakeBlock(Validators, Account(proposer), height, content);

    public SignedVote Sign(int index, VoteType type, long height, int round, Hash256 hash)
    {
        var vote = new Vote(type, new Height(height), round, hash, Account(index));
        var signature = new byte[64];
        Signers[index].Sign(vote.SignBytes(Id, Signers[index].PublicKey), signature);
        return new SignedVote(vote, signature);
    }

    public SignedProposal Propose(int index, int round, int polRound, Block block)
    {
        var proposal = new Proposal(block.Header.Height, round, polRound, block.Hash, Account(index));
        var signature = new byte[64];
        Signers[index].Sign(proposal.SignBytes(Id, Signers[index].PublicKey), signature);
        return new SignedProposal(proposal, signature, block);
    }

    public Commit MakeCommit(Block block, int round, params int[] signers) => new(
        block.Header.Height, round, block.Hash,
        [.. signers.Select(i => new CommitSignature(
            i, Sign(i, VoteType.Precommit, block.Header.Height.Value, round, block.Hash).Signature))]);
}
