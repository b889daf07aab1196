#nullable disable

namespace FedIoT.Wire.Device
{
    /// <summary>
    /// HMAC-SHA256 under the device's key: managed, the microcontroller's native one, or a secure element's.
    /// Used by one thread.
    /// </summary>
    public interface IMessageAuthenticator
    {
        /// <summary>
        /// True when this build computes RFC 4231 test case 2 right; asked once at start, so that a wrong native
        /// build is found before the first frame.
        /// </summary>
        bool SelfTest();

        /// <summary>Writes the 32-byte tag of the first <paramref name="length"/> bytes of a message.</summary>
        /// <param name="message">Not changed.</param>
        /// <param name="length">0 to the length of <paramref name="message"/>.</param>
        /// <param name="tag">At least 32 bytes.</param>
        void ComputeTag(byte[] message, int length, byte[] tag);
    }
}
