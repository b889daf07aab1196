using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

public sealed class ValidatorSetTests
{
    [Fact]
    public void Proposer_OverAPeriod_IsEachInProportionToItsPower()
    {
        ValidatorSet set = new TestChain(4, i => 10 * (i + 1)).Validators;
        int[] turns = [.. Enumerable.Range(0, 10).Select(h => set.IndexOf(set.Proposer(new Height(h), 0)))];
        Assert.Equal([1, 2, 3, 4], turns.GroupBy(t => t).OrderBy(g => g.Key).Select(g => g.Count()));
        Assert.DoesNotContain(Enumerable.Range(0, 9), i => turns[i] == turns[i + 1] && turns[i] < 3);
    }

    [Fact]
    public void Proposer_NextRound_IsTheNextTurn()
    {
        ValidatorSet set = new TestChain(7).Validators;
        Assert.Equal(set.Proposer(new Height(5), 3), set.Proposer(new Height(8), 0));
        Assert.Equal(7, Enumerable.Range(0, 7).Select(r => set.Proposer(new Height(1), r)).Distinct().Count());
        Assert.Equal(
            set.Proposer(new Height(1), ConsensusLimits.RoundMax),
            set.Proposer(new Height(1), ConsensusLimits.RoundMax % 7));
    }

    [Theory]
    [InlineData(4, 3, true)]
    [InlineData(4, 2, false)]
    [InlineData(3, 2, false)]
    [InlineData(7, 5, true)]
    [InlineData(7, 4, false)]
    public void Quorum_IsMoreThanTwoThirds(int count, int votes, bool expected) =>
        Assert.Equal(expected, new TestChain(count).Validators.IsQuorum(votes));

    [Theory]
    [InlineData(4, 2, true)]
    [InlineData(4, 1, false)]
    [InlineData(3, 1, false)]
    [InlineData(7, 3, true)]
    public void HonestMember_IsAmongMoreThanAThird(int count, int votes, bool expected) =>
        Assert.Equal(expected, new TestChain(count).Validators.HasHonestMember(votes));

    [Fact]
    public void Set_ThatIsEmptyDoubledOrUnweighted_IsRefused()
    {
        Validator one = new TestChain(1).Validators[0];
        Assert.Throws<ArgumentException>(() => new ValidatorSet([]));
        Assert.Throws<ArgumentException>(() => new ValidatorSet([one, one]));
        Assert.Throws<ArgumentException>(() => new ValidatorSet([one with { Power = 0 }]));
        var two = new TestChain(2).Validators;
        Validator[] coprime = [two[0] with { Power = 70_001 }, two[1] with { Power = 2 }];
        Assert.Throws<ArgumentException>(() => new ValidatorSet(coprime));
        Validator[] equal = [two[0] with { Power = 70_000 }, two[1] with { Power = 70_000 }];
        Assert.Equal(140_000, new ValidatorSet(equal).TotalPower);
    }

    [Fact]
    public void Encode_ReadBack_IsTheSameSetAndNothingElseIsRead()
    {
        ValidatorSet set = new TestChain(5, i => i + 1).Validators;
        byte[] bytes = set.Encode();
        Assert.Equal(set.Hash, Hash256.Of(bytes));
        Assert.True(ValidatorSet.TryDecode(bytes, out ValidatorSet? read));
        Assert.Equal(set.Members, read!.Members);
        var random = new SplitMix64(9);
        for (int i = 0; i < 500; i++)
        {
            byte[] changed = [.. bytes];
            changed[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            Assert.True(
                !ValidatorSet.TryDecode(changed, out ValidatorSet? other) || other!.Hash == Hash256.Of(changed));
            Assert.False(ValidatorSet.TryDecode(bytes.AsMemory(0, random.Next(bytes.Length)), out _));
        }

        Assert.False(ValidatorSet.TryDecode((byte[])[.. bytes, 0], out _));
    }
}
