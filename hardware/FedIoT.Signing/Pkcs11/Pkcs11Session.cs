using System.Formats.Asn1;
using System.Globalization;
using FedIoT.Signing.Attestation;
using FedIoT.Wire.Cose;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;
using Net.Pkcs11Interop.HighLevelAPI.Factories;

namespace FedIoT.Signing.Pkcs11;

/// <summary>A logged-in session with its key found and checked. Belongs to one signer, which serialises.</summary>
internal sealed class Pkcs11Session
{
    // Mechanisms and key type of PKCS#11 v3.0 §2.3.5, §2.3.14; the wrapper's names stop at v2.40.
    private const ulong EdwardsKeyPairGeneration = 0x1055;
    private const ulong EdDsa = 0x1057;
    private const int ShownMax = 4; // tokens that a message names
    internal const ulong EdwardsKeyType = 0x40;

    // Object identifiers in DER: prime256v1 (1.2.840.10045.3.1.7), Ed25519 (1.3.101.112, RFC 8410), and the name by
    // which PKCS#11 v3.0 also lets a token call the latter curve.
    private static readonly byte[] P256Parameters = Convert.FromHexString("06082A8648CE3D030107");
    private static readonly byte[] Ed25519Parameters = Convert.FromHexString("06032B6570");
    private static readonly byte[] Ed25519Name = [0x13, 12, .. "edwards25519"u8];

    private readonly Pkcs11Module module;
    private readonly ISession session;
    private readonly IObjectHandle privateKey;
    private readonly string place;

    private Pkcs11Session(
        Pkcs11Module module, long generation, ISession session, IObjectHandle privateKey, VerifyingKey publicKey,
        string place)
    {
        this.module = module;
        this.session = session;
        this.privateKey = privateKey;
        this.place = place;
        Generation = generation;
        PublicKey = publicKey;
    }

    /// <summary>The module's generation in which it was opened.</summary>
    public long Generation { get; }

    /// <summary>The key's public half as the token has it.</summary>
    public VerifyingKey PublicKey { get; }

    /// <summary>Opens a session on an existing key.</summary>
    /// <exception cref="TokenException">No token, no login, no such key, or a key that is not suitable.</exception>
    public static Pkcs11Session Open(Pkcs11Module module, Pkcs11Options options)
    {
        string place = options.ToString();
        long generation = module.Generation;
        return module.Use("open a session", place, library =>
        {
            ISession session = LogIn(library, options, SessionType.ReadOnly, place);
            try
            {
                IObjectHandle key = FindOne(session, CKO.CKO_PRIVATE_KEY, options.KeyLabel, place);
                CheckStaysInside(session, key, place);
                VerifyingKey publicKey = ReadPublicKey(session, options.KeyLabel, place);
                return new Pkcs11Session(module, generation, session, key, publicKey, place);
            }
            catch
            {
                CloseQuietly(session);
                throw;
            }
        });
    }

    /// <summary>Makes a key pair that never leaves the token; refused when the label is in use.</summary>
    /// <exception cref="TokenException">As for <see cref="Open"/>, or the token does not make such keys.</exception>
    public static void CreateKey(Pkcs11Module module, Pkcs11Options options)
    {
        string place = options.ToString();
        module.Use("create a key", place, library =>
        {
            ISession session = LogIn(library, options, SessionType.ReadWrite, place);
            try
            {
                // A half that is left of a deleted pair takes the label too: with two of them no key could be opened.
                if (Find(session, CKO.CKO_PRIVATE_KEY, options.KeyLabel).Count > 0
                    || Find(session, CKO.CKO_PUBLIC_KEY, options.KeyLabel).Count > 0)
                {
                    throw new TokenException(
                        SignerFault.Refused, "create a key",
                        $"{place}: the key, or its public half, exists already. Choose another label.");
                }

                Generate(session, options);
                return true;
            }
            finally
            {
                CloseQuietly(session);
            }
        });
    }

    /// <summary>Signs a digest (P-256) or a message (Ed25519).</summary>
    /// <exception cref="TokenException">The token did not sign.</exception>
    public byte[] Sign(byte[] input) => module.Use("sign", place, library =>
    {
        ThrowIfEnded("sign");
        IMechanismFactory mechanisms = session.Factories.MechanismFactory;
        using IMechanism mechanism = PublicKey.Algorithm == SignatureAlgorithm.Es256
            ? mechanisms.Create(CKM.CKM_ECDSA)
            : mechanisms.Create(EdDsa);
        return session.Sign(mechanism, privateKey, input);
    });

    /// <summary>What the token says about itself and the key.</summary>
    /// <exception cref="TokenException">The token does not answer.</exception>
    public Pkcs11Evidence ReadEvidence() => module.Use("read the key's attributes", place, library =>
    {
        ThrowIfEnded("read the key's attributes");
        ulong slot = session.GetSessionInfo().SlotId;
        ITokenInfo token = library.GetSlotList(SlotsType.WithTokenPresent).First(s => s.SlotId == slot).GetTokenInfo();
        IObjectAttribute mechanism = Attribute(CKA.CKA_KEY_GEN_MECHANISM);
        ulong? number = mechanism.CannotBeRead ? null : mechanism.GetValueAsUlong();
        return new Pkcs11Evidence(
            Pkcs11Evidence.Printable(token.ManufacturerId), Pkcs11Evidence.Printable(token.Model),
            Pkcs11Evidence.Printable(token.SerialNumber), Answer(CKA.CKA_SENSITIVE), Answer(CKA.CKA_EXTRACTABLE),
            Answer(CKA.CKA_ALWAYS_SENSITIVE), Answer(CKA.CKA_NEVER_EXTRACTABLE), Answer(CKA.CKA_LOCAL),
            number == ulong.MaxValue ? null : number); // CK_UNAVAILABLE_INFORMATION
    });

    /// <summary>Ends the session; one that the module's restart ended already is only forgotten.</summary>
    public void Close()
    {
        if (Generation != module.Generation)
        {
            return;
        }

        try
        {
            module.Use("close the session", place, library =>
            {
                session.CloseSession();
                return true;
            });
        }
        catch (TokenException)
        {
            return; // the token is gone, and the session with it
        }
    }

    private void ThrowIfEnded(string operation)
    {
        if (Generation != module.Generation)
        {
            throw new TokenException(
                SignerFault.Busy, operation, $"{place}: the session ended by a restart of the module.");
        }
    }

    private IObjectAttribute Attribute(CKA name) =>
        session.GetAttributeValue(privateKey, new List<CKA> { name })[0];

    private TokenAnswer Answer(CKA name)
    {
        IObjectAttribute read = Attribute(name);
        return read.CannotBeRead ? TokenAnswer.None : read.GetValueAsBool() ? TokenAnswer.Yes : TokenAnswer.No;
    }

    private static ISession LogIn(
        IPkcs11Library library, Pkcs11Options options, SessionType type, string place)
    {
        ISlot slot = FindSlot(library, options, place);
        ISession session = slot.OpenSession(type);
        try
        {
            if (slot.GetTokenInfo().TokenFlags.LoginRequired)
            {
                SecretSource pin = options.Pin ?? throw new TokenException(
                    SignerFault.PinMissing, "log in",
                    $"{place}: the token asks for a PIN and none is configured. Add ;pin-file=PATH to the address.");
                Pkcs11Module.Login(slot, session, pin, place);
            }

            return session;
        }
        catch
        {
            CloseQuietly(session);
            throw;
        }
    }

    private static ISlot FindSlot(IPkcs11Library library, Pkcs11Options options, string place)
    {
        List<ISlot> slots = library.GetSlotList(SlotsType.WithTokenPresent);
        List<ISlot> matching = slots.FindAll(s => options.Slot is { } number
            ? s.SlotId == number
            : TryReadInfo(s) is { TokenFlags.TokenInitialized: true } t
                && t.Label.TrimEnd(' ', '\0') == options.TokenLabel);
        return matching.Count switch
        {
            1 => matching[0],
            0 => throw new TokenException(
                SignerFault.Absent, "find the token", $"{place}: no such token. {Present(slots)}"),
            _ => throw new TokenException(
                SignerFault.Refused, "find the token",
                $"{place}: {matching.Count} tokens have this label. Name the slot instead."),
        };
    }

    private static string Present(List<ISlot> slots) => slots.Count == 0
        ? "The module shows none at all: plug it in, or start its service."
        : $"The module shows {string.Join(", ", slots.Take(ShownMax).Select(Describe))}.";

    private static string Describe(ISlot slot)
    {
        ITokenInfo? token = TryReadInfo(slot);
        string label = string.Concat((token?.Label ?? string.Empty).TrimEnd(' ', '\0').Where(c => !char.IsControl(c)));
        string what = token is null ? "one that does not say what it is"
            : token.TokenFlags.TokenInitialized ? $"'{label}'" : "an empty one";
        return string.Create(CultureInfo.InvariantCulture, $"{what} in slot {slot.SlotId}");
    }

    /// <summary>What a token says of itself; null when it does not: somebody else's broken card in another reader is no
    /// reason to give up this key.</summary>
    internal static ITokenInfo? TryReadInfo(ISlot slot)
    {
        try
        {
            return slot.GetTokenInfo();
        }
        catch (Pkcs11Exception)
        {
            return null;
        }
    }

    private static List<IObjectHandle> Find(ISession session, CKO type, string label)
    {
        IObjectAttributeFactory attributes = session.Factories.ObjectAttributeFactory;
        return session.FindAllObjects(
            [attributes.Create(CKA.CKA_CLASS, type), attributes.Create(CKA.CKA_LABEL, label)]);
    }

    private static IObjectHandle FindOne(ISession session, CKO type, string label, string place)
    {
        List<IObjectHandle> found = Find(session, type, label);
        string what = type == CKO.CKO_PRIVATE_KEY ? "private" : "public";
        return found.Count == 1 ? found[0] : throw new TokenException(
            SignerFault.KeyMissing, "find the key",
            $"{place}: {found.Count} {what} keys with this label, expected one. 'fediot keys list --module PATH' shows "
            + "them, 'fediot keys create' makes one.");
    }

    private static void CheckStaysInside(ISession session, IObjectHandle key, string place)
    {
        List<IObjectAttribute> read = session.GetAttributeValue(
            key, new List<CKA> { CKA.CKA_SENSITIVE, CKA.CKA_EXTRACTABLE });
        if (read[0].CannotBeRead || !read[0].GetValueAsBool() || read[1].CannotBeRead || read[1].GetValueAsBool())
        {
            throw new TokenException(
                SignerFault.KeyUnsuitable, "check the key",
                $"{place}: the key can leave the token (not sensitive, or extractable). Make a new one.");
        }
    }

    private static VerifyingKey ReadPublicKey(ISession session, string label, string place) =>
        TryReadPublicKey(
            session, FindOne(session, CKO.CKO_PUBLIC_KEY, label, place), out VerifyingKey? key, out string curve)
            ? key!
            : throw new TokenException(
                SignerFault.KeyUnsuitable, "read the public key",
                $"{place}: neither an ECDSA P-256 nor an Ed25519 key (curve {curve}).");

    /// <summary>Reads a public key object; false for other curves and types.</summary>
    internal static bool TryReadPublicKey(
        ISession session, IObjectHandle handle, out VerifyingKey? key, out string curve)
    {
        List<IObjectAttribute> read = session.GetAttributeValue(
            handle, new List<CKA> { CKA.CKA_EC_PARAMS, CKA.CKA_EC_POINT });
        byte[] parameters = read[0].CannotBeRead ? [] : read[0].GetValueAsByteArray();
        byte[] point = Unwrap(read[1].CannotBeRead ? [] : read[1].GetValueAsByteArray());
        bool p256 = parameters.AsSpan().SequenceEqual(P256Parameters) && point is [0x04, ..];
        bool edwards = parameters.AsSpan().SequenceEqual(Ed25519Parameters)
            || parameters.AsSpan().SequenceEqual(Ed25519Name);
        curve = Convert.ToHexString(parameters);
        key = null;
        return (p256 && VerifyingKey.TryImport(SignatureAlgorithm.Es256, point.AsSpan(1), out key))
            || (edwards && VerifyingKey.TryImport(SignatureAlgorithm.EdDsa, point, out key));
    }

    // CKA_EC_POINT is an OCTET STRING in DER; some tokens give the bare point.
    private static byte[] Unwrap(byte[] point)
    {
        if (point.Length is 32 or 65)
        {
            return point;
        }

        try
        {
            return AsnDecoder.TryReadPrimitiveOctetString(
                point, AsnEncodingRules.DER, out ReadOnlySpan<byte> content, out int consumed)
                && consumed == point.Length ? content.ToArray() : [];
        }
        catch (AsnContentException)
        {
            return [];
        }
    }

    private static void Generate(ISession session, Pkcs11Options options)
    {
        bool p256 = options.NewKeyAlgorithm == SignatureAlgorithm.Es256;
        IObjectAttributeFactory make = session.Factories.ObjectAttributeFactory;
        ulong keyType = p256 ? (ulong)CKK.CKK_EC : EdwardsKeyType;
        byte[] id = System.Security.Cryptography.RandomNumberGenerator.GetBytes(16);
        List<IObjectAttribute> common =
        [
            make.Create(CKA.CKA_TOKEN, true), make.Create(CKA.CKA_LABEL, options.KeyLabel),
            make.Create(CKA.CKA_ID, id), make.Create((ulong)CKA.CKA_KEY_TYPE, keyType),
        ];
        using IMechanism mechanism = session.Factories.MechanismFactory.Create(
            p256 ? (ulong)CKM.CKM_EC_KEY_PAIR_GEN : EdwardsKeyPairGeneration);
        session.GenerateKeyPair(
            mechanism,
            [
                .. common, make.Create(CKA.CKA_PRIVATE, false), make.Create(CKA.CKA_VERIFY, true),
                make.Create(CKA.CKA_EC_PARAMS, p256 ? P256Parameters : Ed25519Name),
            ],
            [
                .. common, make.Create(CKA.CKA_PRIVATE, true), make.Create(CKA.CKA_SENSITIVE, true),
                make.Create(CKA.CKA_EXTRACTABLE, false), make.Create(CKA.CKA_SIGN, true),
            ],
            out _, out _);
    }

    private static void CloseQuietly(ISession session)
    {
        try
        {
            session.CloseSession();
        }
        catch (Pkcs11Exception)
        {
            return; // what went wrong before is what the caller reports
        }
    }
}
