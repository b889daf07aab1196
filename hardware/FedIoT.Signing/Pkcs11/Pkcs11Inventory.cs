using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using Net.Pkcs11Interop.Common;
using Net.Pkcs11Interop.HighLevelAPI;

namespace FedIoT.Signing.Pkcs11;

/// <summary>Looks at the tokens of a module from outside: no PIN, no login.</summary>
public static class Pkcs11Inventory
{
    /// <summary>The tokens that are present.</summary>
    /// <param name="modulePath">The vendor's library.</param>
    /// <exception cref="SignerException">With a <see cref="TokenException"/> inside.</exception>
    public static IReadOnlyList<Pkcs11Token> Read(string modulePath)
    {
        ArgumentException.ThrowIfNullOrEmpty(modulePath);
        try
        {
            using Pkcs11Module module = Pkcs11Module.Acquire(modulePath);
            return module.Use("list tokens", modulePath, library => library.GetSlotList(SlotsType.WithTokenPresent)
                .Select(slot => (Slot: slot, Info: Pkcs11Session.TryReadInfo(slot)))
                .Where(t => t.Info?.TokenFlags.TokenInitialized == true)
                .Select(t => Describe(t.Slot, t.Info!))
                .ToList());
        }
        catch (TokenException e)
        {
            throw e.ToSignerException();
        }
    }

    private static Pkcs11Token Describe(ISlot slot, ITokenInfo info)
    {
        ISession session = slot.OpenSession(SessionType.ReadOnly);
        try
        {
            var keys = new List<(string Label, VerifyingKey Key)>();
            foreach (IObjectHandle handle in session.FindAllObjects(
                [session.Factories.ObjectAttributeFactory.Create(CKA.CKA_CLASS, CKO.CKO_PUBLIC_KEY)]))
            {
                IObjectAttribute label = session.GetAttributeValue(handle, new List<CKA> { CKA.CKA_LABEL })[0];
                if (!label.CannotBeRead && IsElliptic(session, handle)
                    && Pkcs11Session.TryReadPublicKey(session, handle, out VerifyingKey? key, out _))
                {
                    keys.Add((label.GetValueAsString(), key!));
                }
            }

            ITokenFlags flags = info.TokenFlags;
            return new Pkcs11Token(
                slot.SlotId, info.Label.TrimEnd(' ', '\0'), info.SerialNumber.TrimEnd(' ', '\0'),
                LoginRule.Objection(flags.UserPinLocked, flags.UserPinFinalTry, refusedBefore: false),
                [.. keys.OrderBy(k => k.Label, StringComparer.Ordinal)]);
        }
        finally
        {
            session.CloseSession();
        }
    }

    // Other key types have no point to read, and some modules call the question an error.
    private static bool IsElliptic(ISession session, IObjectHandle handle)
    {
        IObjectAttribute type = session.GetAttributeValue(handle, new List<CKA> { CKA.CKA_KEY_TYPE })[0];
        return !type.CannotBeRead
            && type.GetValueAsUlong() is (ulong)CKK.CKK_EC or Pkcs11Session.EdwardsKeyType;
    }
}
