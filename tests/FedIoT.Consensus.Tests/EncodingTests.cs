using FedIoT.Wire;
using Xunit;

namespace FedIoT.Consensus.Tests;

/// <summary>Golden bytes of version 1, and decoders against everything else. Golden bytes never change.</summary>
public sealed class EncodingTests
{
    private readonly TestChain chain = new(4);

    [Fact]
    public void SignBytes_OfVersionOne_AreThese()
    {
        var signer = new TestSigner(0);
        AccountId account = signer.PublicKey.Account;
        Hash256 hash = Hash256.Of("block"u8);
        var precommit = new Vote(VoteType.Precommit, new Height(7), 2, hash, account);
        var nil = new Vote(VoteType.Prevote, new Height(1), 0, Hash256.Zero, account);
        var proposal = new Proposal(new Height(7), 2, -1, hash, account);
        Assert.Equal(Golden.Precommit, Convert.ToHexStringLower(precommit.SignBytes("test-chain", signer.PublicKey)));
        Assert.Equal(Golden.NilPrevote, Convert.ToHexStringLower(nil.SignBytes("test-chain", signer.PublicKey)));
        Assert.Equal(Golden.Proposal, Convert.ToHexStringLower(proposal.SignBytes("test-chain", signer.PublicKey)));
    }

    [Fact]
    public void BlockOfVersionOne_HasTheseBytesAndThisHash()
    {
        Block first = chain.MakeBlock(1, "a");
        Block second = TestChain.MakeBlock(
            chain.Validators, chain.Account(2), 2, "b", first, chain.MakeCommit(first, 0, 0, 1, 2));
        Assert.Equal(Golden.FirstHeader, Convert.ToHexStringLower(first.Header.Encode()));
        Assert.Equal(Golden.FirstHash, first.Hash.ToString());
        Assert.Equal(Golden.SecondHash, second.Hash.ToString());
        Assert.Equal(Golden.SecondBlock, Hash256.Of(second.Encoded.Span).ToString());
        Assert.Equal(Golden.ValidatorsHash, chain.Validators.Hash.ToString());
    }

    [Fact]
    public void Messages_Encoded_DecodeToTheSame()
    {
        Block first = chain.MakeBlock(1, "a");
        Commit commit = chain.MakeCommit(first, 3, 0, 2, 3);
        Block block = TestChain.MakeBlock(chain.Validators, chain.Account(1), 2, "b", first, commit);
        SignedProposal proposal = chain.Propose(1, 5, 4, block);
        SignedVote vote = chain.Sign(2, VoteType.Prevote, 9, 1, Hash256.Zero);

        Assert.True(Block.TryDecode(block.Encoded, out Block? decoded));
        Assert.Equal((block.Hash, block.Header), (decoded!.Hash, decoded.Header));
        Assert.Equal(commit.Hash, decoded.LastCommit!.Hash);
        Assert.True(decoded.Transactions[0].Span.SequenceEqual("b"u8));
        Assert.True(SignedProposal.TryDecode(proposal.Encode(), out SignedProposal? p));
        Assert.Equal(proposal.Proposal, p!.Proposal);
        Assert.True(SignedVote.TryDecode(vote.Encode(), out SignedVote? v));
        Assert.True(v!.Vote == vote.Vote && v.Verify(TestChain.Id, chain.Validators));
        Assert.False(v.Verify("another", chain.Validators));
    }

    [Fact]
    public void Decoders_ChangedOrCutBytes_NeverThrowAndNeverPassForAnother()
    {
        Block first = chain.MakeBlock(1, "a");
        Block block = TestChain.MakeBlock(
            chain.Validators, chain.Account(1), 2, "b", first, chain.MakeCommit(first, 0, 0, 1, 2));
        byte[] proposal = chain.Propose(2, 0, -1, TestChain.MakeBlock(
            chain.Validators, chain.Account(2), 2, "b", first, chain.MakeCommit(first, 0, 0, 1, 2))).Encode();
        byte[] vote = chain.Sign(1, VoteType.Precommit, 2, 0, block.Hash).Encode();
        var random = new SplitMix64(5);
        for (int i = 0; i < 4_000; i++)
        {
            byte[] changed = Change(i % 2 == 0 ? proposal : vote, ref random);
            bool isProposal = SignedProposal.TryDecode(changed, out SignedProposal? p);
            bool isVote = SignedVote.TryDecode(changed, out SignedVote? v);
            Assert.True(!isProposal || p!.Encode().AsSpan().SequenceEqual(changed), $"proposal, change {i}");
            Assert.True(!isProposal || !p!.Verify(TestChain.Id, chain.Validators), $"forged proposal, change {i}");
            Assert.True(!isVote || v!.Encode().AsSpan().SequenceEqual(changed), $"vote, change {i}");
            Assert.True(!isVote || !v!.Verify(TestChain.Id, chain.Validators), $"forged vote, change {i}");
        }
    }

    [Fact]
    public void Block_WithOtherTransactionsThanItsHeader_IsRefused()
    {
        byte[] bytes = chain.MakeBlock(1, "transaction").Encoded.ToArray();
        int at = bytes.AsSpan().IndexOf("transaction"u8);
        bytes[at] ^= 1;
        Assert.False(Block.TryDecode(bytes, out _));
    }

    [Fact]
    public void Block_BeyondItsLimits_IsNotMade()
    {
        BlockHeader header = chain.MakeBlock(1, "a").Header;
        ReadOnlyMemory<byte> megabyte = new byte[ConsensusLimits.TransactionBytesMax];
        Assert.Throws<ArgumentException>(() => Block.Create(
            header, [megabyte, megabyte, megabyte, megabyte, "x"u8.ToArray()], null));
        Assert.Throws<ArgumentException>(() => Block.Create(header, [ReadOnlyMemory<byte>.Empty], null));
        Assert.Equal(4, Block.Create(header, [megabyte, megabyte, megabyte, megabyte], null).Transactions.Count);
    }

    [Fact]
    public void NewProposal_OfSomebodyElsesBlock_IsRefused()
    {
        Block block = chain.MakeBlock(3, "a");
        Assert.False(SignedProposal.TryDecode(chain.Propose(1, 0, -1, block).Encode(), out _));
        Assert.True(SignedProposal.TryDecode(chain.Propose(1, 4, 0, block).Encode(), out _));
    }

    [Fact]
    public void MerkleRoot_OfRfc6962TestLeaves_IsTheKnownOne()
    {
        // Certificate Transparency's reference test: eight inputs and the roots over the first 1, 3, 5 and 8.
        string[] inputs =
        [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        ReadOnlyMemory<byte>[] leaves = [.. inputs.Select(i => new ReadOnlyMemory<byte>(Convert.FromHexString(i)))];
        Assert.Equal(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", MerkleTree.DataRoot([]).ToString());
        Assert.Equal(
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            MerkleTree.DataRoot(leaves[..1]).ToString());
        Assert.Equal(
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            MerkleTree.DataRoot(leaves[..3]).ToString());
        Assert.Equal(
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            MerkleTree.DataRoot(leaves[..5]).ToString());
        Assert.Equal(
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328", MerkleTree.DataRoot(leaves).ToString());
    }

    private static byte[] Change(byte[] bytes, ref SplitMix64 random)
    {
        byte[] changed = random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : [.. bytes];
        if (changed.Length == bytes.Length)
        {
            changed[random.Next(changed.Length)] ^= (byte)(1 + random.Next(255));
        }

        return changed;
    }
}
