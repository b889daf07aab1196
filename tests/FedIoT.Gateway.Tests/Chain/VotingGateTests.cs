using System.Net;
using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>When a node may sign, beyond what its own memory says.</summary>
public sealed class VotingGateTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TestSigner[] signers =
        [.. Enumerable.Range(0, 4).Select(i => new TestSigner(i)).OrderBy(s => s.PublicKey.Account)];

    private readonly ValidatorSet set;
    private readonly FakeTimeProvider time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_000_000));
    private readonly SignStateLog signState;
    private readonly VotingGate gate;

    public VotingGateTests()
    {
        set = new ValidatorSet(signers.Select(s => new Validator(s.PublicKey, 1)));
        signState = SignStateLog.Open(folder.File("sign"), Self);
        gate = new VotingGate(
            new ChainNodeOptions
            {
                ChainId = "gate",
                StateDirectory = folder.File("state"),
                Listen = new IPEndPoint(IPAddress.Loopback, 0),
                Validators = set.Members,
            },
            new NodeSigners([(signers[0], new VotingKey(signers[0], signState, "gate"))]), time, NullLogger.Instance);
    }

    private AccountId Self => signers[0].PublicKey.Account;

    public void Dispose()
    {
        signState.Dispose();
        folder.Dispose();
        Array.ForEach(signers, s => s.Dispose());
    }

    [Fact]
    public void Gate_OpensWhenTwoThirdsAreHeardAndReached()
    {
        Assert.False(gate.TryOpen(Height.Genesis, set, isTick: false));
        gate.OnStatus(Account(1), new Height(0));
        Assert.False(gate.TryOpen(Height.Genesis, set, isTick: false)); // two of four
        gate.OnStatus(Account(2), new Height(0));
        Assert.True(gate.TryOpen(Height.Genesis, set, isTick: false));
        Assert.True(gate.IsOpen);
        Assert.False(gate.TryOpen(Height.Genesis, set, isTick: false)); // it opened before
    }

    [Fact]
    public void Gate_BehindTheOthers_StaysClosedUntilItIsThere()
    {
        gate.OnStatus(Account(1), new Height(50));
        gate.OnStatus(Account(2), new Height(49));
        Assert.False(gate.TryOpen(new Height(10), set, isTick: false));
        Assert.Contains("49", gate.Reason, StringComparison.Ordinal);
        Assert.False(gate.TryOpen(new Height(49), set, isTick: false));
        Assert.Contains("listens", gate.Reason, StringComparison.Ordinal);
        Assert.False(gate.TryOpen(new Height(49), set, isTick: true));
        Assert.True(gate.TryOpen(new Height(49), set, isTick: true));
    }

    [Fact]
    public void Gate_SeesABlockMore_DoesNotListenLonger()
    {
        gate.OnStatus(Account(1), new Height(50));
        gate.OnStatus(Account(2), new Height(49));
        Assert.False(gate.TryOpen(new Height(49), set, isTick: false));
        Assert.True(gate.TryOpen(new Height(50), set, isTick: false));
    }

    [Fact]
    public void Gate_OneLiarFarAhead_DoesNotKeepItClosed()
    {
        gate.OnStatus(Account(1), new Height(long.MaxValue - 1));
        gate.OnStatus(Account(2), new Height(10));
        Assert.False(gate.TryOpen(new Height(10), set, isTick: true));
        Assert.True(gate.TryOpen(new Height(10), set, isTick: true));
    }

    [Fact]
    public void Gate_OwnVotesComingBack_StaysOpen()
    {
        Open();
        SignedVote vote = Vote(Self, 1, Hash256.Of("block"u8));
        signState.Append(Record(vote.Vote));
        gate.OnMessage(new ConsensusEvent.VoteReceived(vote));
        gate.OnMessage(new ConsensusEvent.VoteReceived(Vote(Account(1), 1, Hash256.Of("block"u8))));
        signState.Append(Record(Vote(Self, 2, Hash256.Of("next"u8)).Vote));
        gate.OnMessage(new ConsensusEvent.VoteReceived(vote)); // of a height that is over
        Assert.True(gate.IsOpen);
    }

    [Theory]
    [InlineData("a vote")]
    [InlineData("another block than the known vote's")]
    [InlineData("a commit")]
    [InlineData("a built block")]
    [InlineData("a snapshot")]
    public void Gate_OwnSignatureThatIsNotKnown_ClosesUntilLaterBlocksAreDecided(string what)
    {
        Open();
        switch (what)
        {
            case "a vote":
                gate.OnMessage(new ConsensusEvent.VoteReceived(Vote(Self, 1, Hash256.Of("block"u8))));
                break;
            case "another block than the known vote's":
                signState.Append(Record(Vote(Self, 1, Hash256.Of("mine"u8)).Vote));
                gate.OnMessage(new ConsensusEvent.VoteReceived(Vote(Self, 1, Hash256.Of("block"u8))));
                break;
            case "a commit":
                gate.OnCommitted(MakeBlock(1, Account(1), 0), CommitWith(0, 1, 2), set);
                break;
            case "a built block":
                gate.OnCommitted(MakeBlock(1, Self, 0), CommitWith(1, 2, 3), set);
                break;
            default:
                gate.OnJoined(new Height(1));
                break;
        }

        Assert.False(gate.IsOpen);
        Assert.Contains("does not vote", gate.Reason, StringComparison.Ordinal);

        // Neither old blocks, however late they come, nor time alone open it; nor new blocks before the time is over.
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        gate.OnCommitted(MakeBlock(2, Account(1), now + 60_000), CommitWith(1, 2, 3), set);
        Assert.False(gate.TryOpen(new Height(2), set, isTick: false));
        time.Advance(TimeSpan.FromSeconds(61));
        gate.OnCommitted(MakeBlock(3, Account(1), now + 59_000), CommitWith(1, 2, 3), set);
        Assert.False(gate.TryOpen(new Height(3), set, isTick: false));
        gate.OnCommitted(MakeBlock(4, Account(1), now + 60_000), CommitWith(1, 2, 3), set);
        Assert.True(gate.TryOpen(new Height(4), set, isTick: false));
    }

    [Fact]
    public void Gate_SignaturesGoOnTurningUp_StaysClosed()
    {
        Open();
        for (int i = 1; i < 5; i++)
        {
            gate.OnMessage(new ConsensusEvent.VoteReceived(Vote(Self, i, Hash256.Of("block"u8))));
            time.Advance(TimeSpan.FromSeconds(50));
            gate.OnCommitted(
                MakeBlock(i, Account(1), time.GetUtcNow().ToUnixTimeMilliseconds()), CommitWith(1, 2, 3), set);
            Assert.False(gate.TryOpen(new Height(i), set, isTick: false));
        }
    }

    [Fact]
    public void Gate_CommitWithKnownSignature_StaysOpen()
    {
        Open();
        signState.Append(Record(Vote(Self, 1, Hash256.Of("block"u8)).Vote));
        gate.OnCommitted(MakeBlock(1, Self, 0), CommitWith(0, 1, 2), set);
        Assert.True(gate.IsOpen);
    }

    private AccountId Account(int index) => signers[index].PublicKey.Account;

    private void Open()
    {
        gate.OnStatus(Account(1), Height.Genesis);
        gate.OnStatus(Account(2), Height.Genesis);
        Assert.True(gate.TryOpen(Height.Genesis, set, isTick: false));
    }

    private static SignedVote Vote(AccountId voter, long height, Hash256 hash) =>
        new(new Vote(VoteType.Precommit, new Height(height), 0, hash, voter), new byte[64]);

    private SignRecord Record(Vote vote) => new(
        Self, vote.Height, vote.Round, ConsensusStep.Precommit, vote.BlockHash, Hash256.Of("sign bytes"u8),
        new byte[64]);

    private Block MakeBlock(long height, AccountId proposer, long timeMs) => Block.Create(
        new BlockHeader(
            "gate", new Height(height), timeMs, Hash256.Zero, Hash256.Zero, Hash256.Zero, Hash256.Of("state"u8),
            set.Hash, set.Hash, proposer),
        [], lastCommit: null);

    private static Commit CommitWith(params int[] signers) => new(
        new Height(1), 0, Hash256.Of("block"u8), [.. signers.Select(i => new CommitSignature(i, new byte[64]))]);
}
