using FedIoT.Consensus;
using FedIoT.Gateway.Chain;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>Two keys of one node: the set says which one signs, and no height has signatures of both.</summary>
public sealed class NodeSignersTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TestSigner[] keys = [new(1), new(2)];
    private readonly SignStateLog[] states;
    private readonly NodeSigners signers;

    public NodeSignersTests()
    {
        states = [.. keys.Select(k => SignStateLog.Open(
            folder.File(k.PublicKey.Account.ToString()), k.PublicKey.Account))];
        signers = new NodeSigners(
            [.. keys.Zip(states, (k, s) => ((ISigner)k, new VotingKey(k, s, "two")))]);
    }

    public void Dispose()
    {
        foreach (SignStateLog state in states)
        {
            state.Dispose();
        }

        folder.Dispose();
    }

    [Fact]
    public void Choose_TakesTheKeyOfTheSetAndStaysWithItOutside()
    {
        var application = new CounterApplication([]);
        Assert.Equal(keys[0].PublicKey.Account, signers.Self);
        Assert.False(signers.Choose(SetOf(1, 3), application));
        Assert.True(signers.Choose(SetOf(2, 3), application));
        Assert.Equal(keys[1].PublicKey.Account, signers.Self);
        Assert.Same(keys[1], signers.Current);
        Assert.False(signers.Choose(SetOf(3, 4), application));
        Assert.False(signers.Choose(SetOf(1, 2), application)); // two accounts' keys: it goes on with what it has
        Assert.Equal(keys[1].PublicKey.Account, signers.Self);
    }

    [Fact]
    public void Sign_HeightThatTheOtherKeySignedAtOrBefore_IsRefused()
    {
        Assert.NotNull(signers.TrySign(Vote(0, height: 5)));
        Assert.Null(signers.TrySign(Vote(1, height: 5)));
        Assert.Null(signers.TrySign(Vote(1, height: 4)));
        Assert.NotNull(signers.TrySign(Vote(1, height: 6)));
        Assert.Null(signers.TrySign(Vote(0, height: 6)));
        Assert.NotNull(signers.TrySign(Vote(1, height: 7)));
        Assert.Null(signers.TrySign(Vote(0, height: 7, seed: 2)));
    }

    [Fact]
    public void Sign_KeyThatIsNotHere_IsRefused()
    {
        Vote vote = Vote(0, height: 1) with { Validator = new TestSigner(3).PublicKey.Account };
        Assert.Null(signers.TrySign(vote));
    }

    private static ValidatorSet SetOf(params int[] seeds) =>
        new(seeds.Select(s => new Validator(new TestSigner(s).PublicKey, 1)));

    private Vote Vote(int key, long height, byte seed = 1) =>
        new(VoteType.Prevote, new Height(height), 0, Hash256.Of([seed]), keys[key].PublicKey.Account);
}
