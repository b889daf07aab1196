using System.Formats.Cbor;
using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Ledger.Events;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Simulation.Tests;

/// <summary>Evidence as consensus writes it and the ledger reads it.</summary>
public sealed class EvidenceTests
{
    private static readonly Hash256 A = Hash256.Of("a"u8);
    private static readonly Hash256 B = Hash256.Of("b"u8);

    private readonly Genesis genesis = new(
        World.ChainId, SimulatedSigner.All.Take(4).Select(s => new GenesisValidator(s.PublicKey, 2)), [],
        [SimulatedSigner.All[9].PublicKey]);

    private static AccountId Accused => SimulatedSigner.All[1].PublicKey.Account;

    [Fact]
    public void Slash_TwoVotes_CostsStakeAndPowerOnce()
    {
        byte[] evidence = Votes(1, A, B).Encode();
        LedgerState state = LedgerState.FromGenesis(genesis);
        Assert.Equal(2_000, state.Accounts[Accused].Stake);
        Assert.Null(state.CheckTransaction(evidence, new VerifiedSignatures()));
        Assert.Equal([new ReadOnlyMemory<byte>(evidence)], state.PrepareBlock([evidence, evidence], 1 << 20));

        (LedgerState next, BlockOutcome outcome) = Execute(state, evidence, evidence, Votes(1, A, default).Encode());

        Assert.Equal([null, RejectionReason.EvidenceStale, RejectionReason.EvidenceStale], outcome.Rejections);
        Account account = next.Accounts[Accused];
        Assert.Equal((0, 0, 1, new Height(1)), (account.Stake, account.Power, account.Strikes, account.SlashedAt));
        Fault fault = Assert.Single(next.Faults);
        Assert.Equal((FaultKind.Equivocation, Accused), (fault.Kind, fault.Account));
        Assert.Equal(2_000, Assert.Single(outcome.Events.OfType<StakeSlashed>()).Stake);
        Assert.Equal(0, Assert.Single(outcome.Events.OfType<ValidatorPowerChanged>()).Power);
        Assert.Equal(RejectionReason.EvidenceStale, next.CheckTransaction(evidence, new VerifiedSignatures()));
        Assert.Empty(next.PrepareBlock([evidence], 1 << 20));
        Assert.True(LedgerState.TryDecodeSnapshot(next.EncodeSnapshot(), out LedgerState? again));
        Assert.Equal(next.StateRoot, again!.StateRoot);
    }

    [Fact]
    public void Encode_SamePairInOtherOrder_IsTheSameBytes()
    {
        Assert.Equal(Votes(1, A, B).Encode(), Votes(1, B, A).Encode());
        Assert.Equal(Proposals(1, (A, -1), (A, 0)).Encode(), Proposals(1, (A, 0), (A, -1)).Encode());
    }

    [Fact]
    public void Slash_TwoProposals_AlsoOfOneBlock()
    {
        LedgerState state = LedgerState.FromGenesis(genesis);
        Assert.Equal([null], Execute(state, Proposals(1, (A, -1), (B, -1)).Encode()).Outcome.Rejections);
        Assert.Equal([null], Execute(state, Proposals(1, (A, -1), (A, 0)).Encode()).Outcome.Rejections);
    }

    [Fact]
    public void Check_WhatProvesNothing_IsRefused()
    {
        LedgerState state = LedgerState.FromGenesis(genesis);
        byte[] good = Votes(1, A, B).Encode();
        byte[] forged = [.. good];
        forged[^1] ^= 1;
        Assert.Equal(RejectionReason.BadSignature, Check(state, forged));
        Assert.Equal(RejectionReason.Malformed, Check(state, Votes(1, A, A).Encode()));
        Assert.Equal(RejectionReason.Malformed, Check(state, [.. good, 0]));
        Assert.Equal(RejectionReason.UnknownSigner, Check(state, Votes(8, A, B).Encode()));
        Assert.Equal(RejectionReason.EvidenceStale, Check(state, Votes(9, A, B).Encode())); // no validator
        for (int length = 0; length < good.Length; length++)
        {
            Assert.NotNull(Check(state, good[..length]));
        }
    }

    [Fact]
    public void Slash_LastValidator_LosesTheStakeAndKeepsItsPlace()
    {
        var alone = new Genesis(
            World.ChainId, [new GenesisValidator(SimulatedSigner.All[1].PublicKey, 2)], [],
            [SimulatedSigner.All[9].PublicKey]);
        (LedgerState next, BlockOutcome outcome) = Execute(LedgerState.FromGenesis(alone), Votes(1, A, B).Encode());
        Assert.Equal((0, 2), (next.Accounts[Accused].Stake, next.Accounts[Accused].Power));
        Assert.Empty(outcome.Events.OfType<ValidatorPowerChanged>());
    }

    [Fact]
    public void Slash_RetiredKey_CostsItsAccountWhatItSignedWhileInForce()
    {
        LedgerState state = Rotated(out SimulatedSigner next); // in force until height 2
        byte[] inForce = Votes(1, A, B, height: 2).Encode();
        Assert.Equal(RejectionReason.EvidenceOutsideKey, Check(state, Votes(1, A, B, height: 3).Encode()));
        Assert.Equal(RejectionReason.EvidenceOutsideKey, Check(state, Votes(7, A, B, height: 2).Encode()));
        Assert.Null(Check(state, Votes(7, A, B, height: 3).Encode()));

        (LedgerState after, BlockOutcome outcome) =
            Execute(state, inForce, Votes(7, A, B, height: 3).Encode());

        Assert.Equal([null, RejectionReason.EvidenceStale], outcome.Rejections); // one account, one punishment
        Assert.Equal((0, 0, 1), (after.Accounts[Accused].Stake, after.Accounts[Accused].Power,
            after.Accounts[Accused].Strikes));
        Assert.Equal(
            (next.PublicKey, 0L),
            outcome.Events.OfType<ValidatorPowerChanged>().Select(e => (e.Key, e.Power)).Single());
        Assert.All(after.Faults, f => Assert.Equal(Accused, f.Account));
    }

    [Fact]
    public void Evidence_OfTwoKeysOfOneAccount_IsChosenOncePerBlock()
    {
        LedgerState state = Rotated(out _);
        byte[] old = Votes(1, A, B, height: 2).Encode();
        byte[] present = Votes(7, A, B, height: 3).Encode();
        Assert.Equal([new ReadOnlyMemory<byte>(old)], state.PrepareBlock([old, present], 1 << 20));
    }

    [Fact]
    public void Slash_RevokedAccount_StillLosesItsStake()
    {
        (LedgerState state, BlockOutcome revoked) =
            Execute(LedgerState.FromGenesis(genesis), Transaction(1, new RevokeNodeKey(), 1));
        Assert.Equal(0, Assert.Single(revoked.Events.OfType<ValidatorPowerChanged>()).Power);
        Assert.Equal((2_000, 0), (state.Accounts[Accused].Stake, state.Accounts[Accused].Power));
        Assert.Equal(RejectionReason.EvidenceOutsideKey, Check(state, Votes(1, A, B, height: 3).Encode()));

        (LedgerState after, BlockOutcome outcome) = Execute(state, Votes(1, A, B, height: 2).Encode());

        Assert.Equal([null], outcome.Rejections);
        Assert.Equal(0, after.Accounts[Accused].Stake);
        Assert.Empty(outcome.Events.OfType<ValidatorPowerChanged>()); // it had no power left
    }

    [Fact]
    public void Evidence_OlderThanTheEvidenceAge_IsRefused()
    {
        LedgerState state = LedgerState.FromGenesis(genesis);
        byte[] evidence = Votes(1, A, B).Encode();
        byte[] snapshot = state.EncodeSnapshot();

        // The height is the one number of a snapshot that its root does not cover.
        LedgerState old = At(snapshot, LedgerLimits.EvidenceBlocksMax + 1);
        Assert.Equal(RejectionReason.EvidenceTooOld, Check(old, evidence));
        Assert.Null(Check(At(snapshot, LedgerLimits.EvidenceBlocksMax), evidence));
        Assert.Equal([RejectionReason.EvidenceTooOld], Execute(old, evidence).Outcome.Rejections);
    }

    [Fact]
    public void Evidence_OfAHeightToCome_IsRefusedSoThatNobodyPaysInAdvance()
    {
        LedgerState state = LedgerState.FromGenesis(genesis);
        byte[] far = Votes(1, A, B, height: long.MaxValue - 1).Encode();
        Assert.Equal(RejectionReason.EvidenceTooEarly, Check(state, far));
        Assert.Equal([RejectionReason.EvidenceTooEarly], Execute(state, far).Outcome.Rejections);
        Assert.Empty(state.PrepareBlock([far], 1 << 20));
        Assert.False(state.MayFollow([far]));

        // A peer that is a block ahead has seen it: it waits here until the chain is there.
        byte[] soon = Votes(1, A, B, height: 2).Encode();
        Assert.Null(Check(state, soon));
        Assert.Empty(state.PrepareBlock([soon], 1 << 20));
        (LedgerState next, _) = Execute(state);
        Assert.Equal([new ReadOnlyMemory<byte>(soon)], next.PrepareBlock([soon], 1 << 20));
        Assert.True(next.MayFollow([soon]));
        Assert.False(next.MayFollow([soon, Votes(1, A, default, height: 2).Encode()]));
        Assert.Equal([null], Execute(next, soon).Outcome.Rejections);
    }

    private static LedgerState At(byte[] snapshot, long height)
    {
        var reader = new CborReader(snapshot);
        var writer = new CborWriter();
        int count = reader.ReadStartArray()!.Value;
        writer.WriteStartArray(count);
        for (int i = 0; i < count; i++)
        {
            ReadOnlyMemory<byte> value = reader.ReadEncodedValue();
            if (i == 2)
            {
                writer.WriteInt64(height);
            }
            else
            {
                writer.WriteEncodedValue(value.Span);
            }
        }

        writer.WriteEndArray();
        Assert.True(LedgerState.TryDecodeSnapshot(writer.Encode(), out LedgerState? state));
        return state!;
    }

    private LedgerState Rotated(out SimulatedSigner next)
    {
        LedgerState state = LedgerState.FromGenesis(genesis);
        SimulatedSigner old = SimulatedSigner.All[1];
        next = SimulatedSigner.All[7];
        byte[] proof = next.Sign(RotateNodeKey.ProofSignBytes(
            World.ChainId, Accused, old.PublicKey, next.PublicKey, nonce: 1));
        (state, BlockOutcome outcome) = Execute(state, Transaction(1, new RotateNodeKey(next.PublicKey, proof), 1));
        Assert.Equal([null], outcome.Rejections);
        return Execute(Execute(state).Next).Next;
    }

    private static byte[] Transaction(int key, TransactionBody body, ulong nonce)
    {
        SimulatedSigner signer = SimulatedSigner.All[key];
        byte[] payload = TransactionCodec.EncodePayload(World.ChainId, nonce, body);
        return CoseSign1.Assemble(signer.PublicKey, payload, signer.Sign(
            CoseSign1.SignBytes(signer.PublicKey, TransactionCodec.Role, payload)));
    }

    private static RejectionReason? Check(LedgerState state, byte[] bytes) =>
        state.CheckTransaction(bytes, new VerifiedSignatures());

    private static (LedgerState Next, BlockOutcome Outcome) Execute(LedgerState state, params byte[][] transactions) =>
        state.Execute(state.Height.Next, default, [.. transactions.Select(t => new ReadOnlyMemory<byte>(t))]);

    private static Equivocation.Votes Votes(int key, Hash256 first, Hash256 second, long height = 1) =>
        new(Sign(key, first, height), Sign(key, second, height));

    private static SignedVote Sign(int key, Hash256 hash, long height)
    {
        SimulatedSigner signer = SimulatedSigner.All[key];
        var vote = new Vote(VoteType.Precommit, new Height(height), 3, hash, signer.PublicKey.Account);
        return new SignedVote(vote, signer.Sign(vote.SignBytes(World.ChainId, signer.PublicKey)));
    }

    private static Equivocation.Proposals Proposals(
        int key, (Hash256 Hash, int PolRound) first, (Hash256 Hash, int PolRound) second)
    {
        SimulatedSigner signer = SimulatedSigner.All[key];
        var one = new Proposal(new Height(1), 3, first.PolRound, first.Hash, signer.PublicKey.Account);
        var two = new Proposal(new Height(1), 3, second.PolRound, second.Hash, signer.PublicKey.Account);
        return new Equivocation.Proposals(
            one, signer.Sign(one.SignBytes(World.ChainId, signer.PublicKey)),
            two, signer.Sign(two.SignBytes(World.ChainId, signer.PublicKey)));
    }
}
