using System.Security.Cryptography;
using System.Text;
using FedIoT.Signing;

namespace FedIoT.Gateway.Keys;

/// <summary>Asks the person at the terminal for a passphrase, without showing it.</summary>
internal static class TerminalSecret
{
    /// <summary>The terminal of this process; gives nothing when nobody sits there.</summary>
    public static SecretSource Source { get; } = SecretSource.Person("the terminal", Ask);

    private static byte[] Ask()
    {
        if (Console.IsInputRedirected)
        {
            return []; // a script: it names a file, a credential or a variable
        }

        Console.Error.Write("passphrase of the key file: ");
        char[] typed = GC.AllocateArray<char>(SecretSource.BytesMax + 1, pinned: true);
        int length = 0;
        try
        {
            for (ConsoleKeyInfo key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter;
                key = Console.ReadKey(intercept: true))
            {
                if (key.Key == ConsoleKey.Backspace)
                {
                    length = Math.Max(0, length - 1);
                }
                else if (key.KeyChar != 0 && length < typed.Length)
                {
                    typed[length++] = key.KeyChar;
                }
            }

            byte[] secret = GC.AllocateArray<byte>(Encoding.UTF8.GetByteCount(typed, 0, length), pinned: true);
            Encoding.UTF8.GetBytes(typed.AsSpan(0, length), secret);
            return secret;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(typed.AsSpan()));
            Console.Error.WriteLine();
        }
    }
}
