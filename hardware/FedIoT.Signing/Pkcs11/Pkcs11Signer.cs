using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Signing.Attestation;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Pkcs11;

/// <summary>
/// A key in any PKCS#11 token: a TPM through tpm2-pkcs11, a YubiHSM-class token, a network HSM, SoftHSM. ECDSA P-256
/// (CKM_ECDSA over a SHA-256 digest, low s) or Ed25519 (CKM_EDDSA), whichever the key is.
/// </summary>
/// <remarks>
/// <para>Thread-safe; calls queue for the one session. A call takes as long as the token takes: a library that never
/// returns blocks it.</para>
/// <para>A token that went away makes <see cref="Sign"/> throw; the first call after it came back opens a new session,
/// checks that the key is the same one, and signs. Every signature is verified before it is returned.</para>
/// </remarks>
public sealed class Pkcs11Signer : IAttestingSigner
{
    // A restart of the module ends the sessions of every signer on it, so an absent token may not cause one per vote.
    private static readonly TimeSpan RestartIntervalMin = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Pkcs11Options options;
    private readonly Pkcs11Module module;
    private readonly TimeProvider time;
    private Pkcs11Session? session;
    private long? lastRestart;
    private bool disposed;

    private Pkcs11Signer(Pkcs11Options options, Pkcs11Module module, TimeProvider time, Pkcs11Session session)
    {
        this.options = options;
        this.module = module;
        this.time = time;
        this.session = session;
        PublicKey = session.PublicKey;
    }

    /// <inheritdoc/>
    public VerifyingKey PublicKey { get; }

    /// <summary>Opens an existing key and logs in.</summary>
    /// <param name="options">Which key.</param>
    /// <param name="time">Spaces the attempts to bring a token back.</param>
    /// <exception cref="SignerException">With a <see cref="TokenException"/> inside.</exception>
    public static Pkcs11Signer Open(Pkcs11Options options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return WithModule(options, module =>
            new Pkcs11Signer(options, module, time, OpenSession(module, options, time)));
    }

    /// <summary>Makes a key that never leaves the token, and opens it.</summary>
    /// <param name="options">Its token, label and algorithm; the label must be free.</param>
    /// <param name="time">As for <see cref="Open"/>.</param>
    /// <exception cref="SignerException">With a <see cref="TokenException"/> inside.</exception>
    public static Pkcs11Signer Create(Pkcs11Options options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return WithModule(options, module =>
        {
            Pkcs11Session.CreateKey(module, options);
            return new Pkcs11Signer(options, module, time, Pkcs11Session.Open(module, options));
        });
    }

    /// <inheritdoc/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            throw new ArgumentException($"A signature has {VerifyingKey.SignatureLength} bytes.", nameof(signature));
        }

        bool p256 = PublicKey.Algorithm == SignatureAlgorithm.Es256;
        byte[] input = p256 ? SHA256.HashData(message) : message.ToArray();
        byte[] raw = Call(s => s.Sign(input));
        if (p256 && raw.Length == P256Signature.Bytes)
        {
            P256Signature.NormalizeLowS(raw);
        }

        if (!PublicKey.Verify(message, raw))
        {
            throw new TokenException(
                SignerFault.Broken, "sign", $"{options}: the token gave a signature that does not verify. Replace it.")
                .ToSignerException();
        }

        raw.CopyTo(signature);
        module.Signed(time);
    }

    /// <inheritdoc/>
    public AttestationEvidence ReadEvidence(ReadOnlySpan<byte> challenge) => Call(s => s.ReadEvidence());

    /// <summary>Closes the session; the last signer of a module finalizes it.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            session?.Close();
            session = null;
            module.Dispose();
        }
    }

    private static Pkcs11Signer WithModule(Pkcs11Options options, Func<Pkcs11Module, Pkcs11Signer> open)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.TokenLabel is null == options.Slot is null)
        {
            throw new ArgumentException("A token is named by its label or by its slot.", nameof(options));
        }

        try
        {
            Pkcs11Module module = Pkcs11Module.Acquire(options.ModulePath);
            try
            {
                return open(module);
            }
            catch
            {
                module.Dispose();
                throw;
            }
        }
        catch (TokenException e)
        {
            throw e.ToSignerException();
        }
    }

    // A library that other signers keep running may know a token only as it was before it went away.
    private static Pkcs11Session OpenSession(Pkcs11Module module, Pkcs11Options options, TimeProvider time)
    {
        long seen = module.Generation;
        try
        {
            return Pkcs11Session.Open(module, options);
        }
        catch (TokenException e) when (IsPassing(e) && module.IsHeldByIdleSigners(time))
        {
            module.Restart(seen);
        }

        return Pkcs11Session.Open(module, options);
    }

    private T Call<T>(Func<Pkcs11Session, T> call)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            try
            {
                return CallWithRecovery(call);
            }
            catch (TokenException e)
            {
                throw e.ToSignerException();
            }
        }
    }

    // The session as it is; a new session; a new session after a restart of the module. PIN trouble ends it at once.
    private T CallWithRecovery<T>(Func<Pkcs11Session, T> call)
    {
        if (session is not null)
        {
            try
            {
                return call(session);
            }
            catch (TokenException e) when (IsPassing(e))
            {
                Drop();
            }
        }

        long seen = module.Generation;
        try
        {
            return call(Reopen());
        }
        catch (TokenException e) when (IsPassing(e) && MayRestart())
        {
            Drop();
            lastRestart = time.GetTimestamp();
            module.Restart(seen);
        }

        return call(Reopen());
    }

    private static bool IsPassing(TokenException error) =>
        error.Fault is SignerFault.Absent or SignerFault.Busy or SignerFault.KeyMissing;

    private bool MayRestart() => lastRestart is not { } last || time.GetElapsedTime(last) >= RestartIntervalMin;

    private Pkcs11Session Reopen()
    {
        Pkcs11Session opened = Pkcs11Session.Open(module, options);
        if (!opened.PublicKey.Equals(PublicKey))
        {
            opened.Close();
            throw new TokenException(
                SignerFault.KeyMissing, "reopen the key",
                $"{options}: this is another key than the one that was opened first. Put the right token back.");
        }

        session = opened;
        return opened;
    }

    private void Drop()
    {
        session?.Close();
        session = null;
    }
}
