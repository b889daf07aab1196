namespace FedIoT.Signing.Pkcs11;

/// <summary>
/// Whether a program may send a PIN to a token. Tokens lock for good after a few wrong ones, so: a PIN that this
/// process saw refused is not sent again, and the last try belongs to a person.
/// </summary>
public static class LoginRule
{
    /// <summary>What stands against sending the PIN; null when nothing does.</summary>
    /// <param name="locked">CKF_USER_PIN_LOCKED.</param>
    /// <param name="finalTry">CKF_USER_PIN_FINAL_TRY.</param>
    /// <param name="refusedBefore">This token refused this PIN in this process.</param>
    public static SignerFault? Objection(bool locked, bool finalTry, bool refusedBefore) =>
        locked ? SignerFault.PinLocked
        : finalTry ? SignerFault.PinLastTry
        : refusedBefore ? SignerFault.PinRefused
        : null;
}
