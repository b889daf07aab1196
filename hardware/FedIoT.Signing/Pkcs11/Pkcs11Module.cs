using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;

namespace FedIoT.Signing.Pkcs11;

/// <summary>
/// One vendor library in this process. C_Initialize and C_Finalize count for the whole process (PKCS#11 v2.40 §5.4),
/// so signers of the same library share it; the last one that leaves finalizes it.
/// </summary>
/// <remarks>
/// Thread-safe. Calls into the library happen inside <see cref="Use"/>; a restart waits for them. A restart is what
/// brings back a token whose service died: sessions of every signer end by it, and each opens a new one when it signs.
/// </remarks>
internal sealed class Pkcs11Module : IDisposable
{
    private static readonly Lock Registry = new();

    // By the system's handle: one library may have several names, and C_Finalize under one of them ends them all.
    private static readonly Dictionary<nint, Pkcs11Module> Loaded = [];

    // For the process only: tells "the same wrong PIN again" without keeping it.
    private static readonly byte[] FingerprintKey = RandomNumberGenerator.GetBytes(32);

    // Outlives a module: closing and opening a signer must not send the same wrong PIN again.
    private static readonly Lock LoginGate = new();
    private static readonly Dictionary<string, List<byte[]>> RefusedPins = new(StringComparer.Ordinal);

    // A signer that signed so lately has a library that works, and loses its session by a restart.
    private static readonly TimeSpan IdleMin = TimeSpan.FromSeconds(30);

    private readonly ReaderWriterLockSlim gate = new();
    private readonly string path;
    private readonly nint handle;
    private IPkcs11Library? library;
    private int references;
    private long signedAt = long.MinValue;

    // The wrapper imports dlopen from "libdl", a name that exists only where development files are installed.
    static Pkcs11Module() => NativeLibrary.SetDllImportResolver(
        typeof(Pkcs11InteropFactories).Assembly,
        static (name, assembly, folder) => name == "libdl" && OperatingSystem.IsLinux()
            && (NativeLibrary.TryLoad("libdl.so.2", out nint handle) || NativeLibrary.TryLoad("libc.so.6", out handle))
            ? handle : 0);

    private Pkcs11Module(string path, nint handle)
    {
        this.path = path;
        this.handle = handle;
    }

    /// <summary>Grows with every restart: a session of an older number is dead.</summary>
    public long Generation { get; private set; }

    /// <summary>The library, loaded and initialized if nobody did that yet.</summary>
    /// <exception cref="TokenException">There is no such library, or it does not initialize.</exception>
    public static Pkcs11Module Acquire(string path)
    {
        lock (Registry)
        {
            // Held until the process ends: some libraries leave threads behind that must not lose their code.
            if (!NativeLibrary.TryLoad(path, out nint handle))
            {
                throw new TokenException(
                    SignerFault.Absent, "load the module",
                    $"No PKCS#11 module at {path}, or a library of it is missing. Install the token's package.");
            }

            if (!Loaded.TryGetValue(handle, out Pkcs11Module? module))
            {
                module = new Pkcs11Module(path, handle);
                Loaded.Add(handle, module);
            }

            module.references++;
            return module;
        }
    }

    /// <summary>Gives the library back: once for each <see cref="Acquire"/>.</summary>
    public void Dispose()
    {
        lock (Registry)
        {
            references--;
            if (references == 0)
            {
                Loaded.Remove(handle);
                Finalize(ref library);
                gate.Dispose();
            }
        }
    }

    /// <summary>Calls the library; starts it when it is not running.</summary>
    /// <exception cref="TokenException">What went wrong, typed.</exception>
    public T Use<T>(string operation, string place, Func<IPkcs11Library, T> call)
    {
        EnsureStarted();
        gate.EnterReadLock();
        try
        {
            return call(library ?? throw new TokenException(
                SignerFault.Busy, operation, $"{place}: the PKCS#11 module is being restarted."));
        }
        catch (Pkcs11Exception e)
        {
            throw Translate(operation, place, e);
        }
        catch (Exception e) when (
            e is AttributeValueException or OverflowException or OutOfMemoryException or ArgumentException
                or InvalidOperationException)
        {
            // The wrapper's ways to say that a length or value that the library gave is impossible.
            throw new TokenException(
                SignerFault.Broken, operation, $"{place}: the answer to {operation} makes no sense ({e.Message}).",
                inner: e);
        }
        finally
        {
            gate.ExitReadLock();
        }
    }

    /// <summary>A signer of this library signed just now.</summary>
    public void Signed(TimeProvider time) => Interlocked.Exchange(ref signedAt, time.GetTimestamp());

    /// <summary>True when other signers keep the library running and none of them signed lately: then nothing but a
    /// restart may bring back a token that was away.</summary>
    public bool IsHeldByIdleSigners(TimeProvider time)
    {
        lock (Registry)
        {
            long last = Interlocked.Read(ref signedAt);
            return references > 1 && (last == long.MinValue || time.GetElapsedTime(last) >= IdleMin);
        }
    }

    /// <summary>Finalizes the library; the next call initializes it anew. Nothing when somebody just did
    /// that.</summary>
    /// <param name="seen">The generation in which the caller's trouble happened.</param>
    public void Restart(long seen)
    {
        gate.EnterWriteLock();
        try
        {
            if (Generation == seen)
            {
                Finalize(ref library);
                Generation++;
            }
        }
        finally
        {
            gate.ExitWriteLock();
        }
    }

    /// <summary>Sends a PIN unless a rule stands against it (<see cref="LoginRule"/>).</summary>
    /// <exception cref="TokenException">The PIN was not sent, or the token refused it.</exception>
    public static void Login(ISlot slot, ISession session, SecretSource source, string place)
    {
        lock (LoginGate)
        {
            byte[] pin = source.Read("PIN");
            try
            {
                ITokenInfo token = slot.GetTokenInfo();
                string identity = $"{token.ManufacturerId}/{token.SerialNumber}/{token.Label}";
                byte[] fingerprint = HMACSHA256.HashData(FingerprintKey, pin);
                var marks = RefusedPinMarks.OfThisUser();
                bool refusedBefore = marks.Has(identity, pin)
                    || (RefusedPins.TryGetValue(identity, out List<byte[]>? refused)
                        && refused.Exists(r => r.AsSpan().SequenceEqual(fingerprint)));
                ITokenFlags flags = token.TokenFlags;
                if (LoginRule.Objection(flags.UserPinLocked, flags.UserPinFinalTry, refusedBefore) is { } objection)
                {
                    throw PinTrouble(objection, place, source, sent: false, mark: marks.PathOf(identity));
                }

                bool wasSent = Send(
                    slot, session, pin,
                    () =>
                    {
                        RememberRefused(identity, fingerprint);
                        marks.Add(identity, pin);
                    },
                    place, source);
                if (wasSent)
                {
                    RefusedPins.Remove(identity);
                    marks.Forget(identity);
                }
            }
            finally
            {
                CryptographicOperations.ZeroMemory(pin);
            }
        }
    }

    private static void RememberRefused(string identity, byte[] fingerprint)
    {
        List<byte[]> refused = RefusedPins.TryGetValue(identity, out List<byte[]>? known) ? known : [];
        refused.Add(fingerprint);
        refused.RemoveRange(0, Math.Max(0, refused.Count - RefusedPinMarks.MarksMax));
        RefusedPins[identity] = refused;
    }

    // False when nobody looked at the PIN.
    private static bool Send(
        ISlot slot, ISession session, byte[] pin, Action onRefused, string place, SecretSource source)
    {
        try
        {
            session.Login(CKU.CKU_USER, pin);
            return true;
        }
        catch (Pkcs11Exception e) when (e.RV == CKR.CKR_USER_ALREADY_LOGGED_IN)
        {
            return false; // another signer of this process did it; a login counts for the whole process
        }
        catch (Pkcs11Exception e) when (
            e.RV is CKR.CKR_PIN_INCORRECT or CKR.CKR_PIN_INVALID or CKR.CKR_PIN_LEN_RANGE or CKR.CKR_PIN_EXPIRED)
        {
            onRefused();
            throw PinTrouble(SignerFault.PinRefused, place, source, sent: true, e, Warning(slot));
        }
        catch (Pkcs11Exception e) when (e.RV == CKR.CKR_PIN_LOCKED)
        {
            throw PinTrouble(SignerFault.PinLocked, place, source, sent: true, e);
        }
    }

    // What the token says about the tries that are left; some say nothing.
    private static string Warning(ISlot slot)
    {
        ITokenFlags flags = slot.GetTokenInfo().TokenFlags;
        return flags.UserPinLocked ? " The token is locked now"
            : flags.UserPinFinalTry ? " ONE more wrong PIN locks the token: somebody has to log in by hand first"
            : flags.UserPinCountLow ? " The token counts wrong PINs and locks after a few"
            : string.Empty;
    }

    private static TokenException PinTrouble(
        SignerFault fault, string place, SecretSource source, bool sent, Pkcs11Exception? e = null,
        string warning = "", string? mark = null)
    {
        string text = fault switch
        {
            SignerFault.PinLocked => "its PIN is locked. Unlock it with the security officer's PIN",
            SignerFault.PinLastTry =>
                "one wrong PIN more locks it, so none is sent. Log in once by hand with the right PIN, then "
                + $"put that PIN into {source}",
            _ when sent => $"it refused the PIN from {source}. It is not sent again; put the right one there.{warning}",
            _ => $"it refused this PIN before, so it is not sent again. Put the right one into {source}"
                + (mark is null ? string.Empty
                    : $". If it is right by now: stop the gateway, delete {mark}, and try again"),
        };
        return new TokenException(fault, "log in", $"{place}: {text}.", (ulong)(e?.RV ?? 0), e);
    }

    private static TokenException Translate(string operation, string place, Pkcs11Exception e)
    {
        SignerFault fault = e.RV switch
        {
            CKR.CKR_DEVICE_MEMORY or CKR.CKR_HOST_MEMORY or CKR.CKR_SESSION_COUNT or CKR.CKR_OPERATION_ACTIVE =>
                SignerFault.Busy,
            CKR.CKR_KEY_FUNCTION_NOT_PERMITTED or CKR.CKR_KEY_TYPE_INCONSISTENT or CKR.CKR_MECHANISM_INVALID
                or CKR.CKR_DOMAIN_PARAMS_INVALID or CKR.CKR_CURVE_NOT_SUPPORTED => SignerFault.KeyUnsuitable,
            CKR.CKR_TOKEN_WRITE_PROTECTED or CKR.CKR_SESSION_READ_ONLY => SignerFault.Refused,
            CKR.CKR_USER_PIN_NOT_INITIALIZED => SignerFault.PinMissing,

            // The library's words for a token that went away differ; all of them end the session.
            _ => SignerFault.Absent,
        };
        return new TokenException(
            fault, operation, $"{place}: cannot {operation} ({e.RV}).", (ulong)e.RV, e);
    }

    private static void Finalize(ref IPkcs11Library? library)
    {
        try
        {
            library?.Dispose();
        }
        catch (Pkcs11Exception)
        {
            // The library is going away because it failed; that its end fails too changes nothing.
            library = null;
        }

        library = null;
    }

    private void EnsureStarted()
    {
        gate.EnterUpgradeableReadLock();
        try
        {
            if (library is not null)
            {
                return;
            }

            gate.EnterWriteLock();
            try
            {
                var factories = new Pkcs11InteropFactories();
                library = factories.Pkcs11LibraryFactory.LoadPkcs11Library(factories, path, AppType.MultiThreaded);
            }
            catch (Pkcs11Exception e)
            {
                throw new TokenException(
                    SignerFault.Absent, "initialize", $"The PKCS#11 module {path} does not start ({e.RV}): "
                    + "what it needs of its own is missing or closed to this user (SoftHSM: the group softhsm; a TPM: "
                    + "TPM2_PKCS11_STORE, TPM2_PKCS11_TCTI and its service).",
                    (ulong)e.RV, e);
            }
            catch (Exception e) when (e is UnmanagedException or LibraryArchitectureException)
            {
                throw new TokenException(
                    SignerFault.Absent, "load the module", $"{path} is no PKCS#11 module for this machine.", inner: e);
            }
            finally
            {
                gate.ExitWriteLock();
            }
        }
        finally
        {
            gate.ExitUpgradeableReadLock();
        }
    }
}
