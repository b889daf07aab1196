// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

using System.Runtime.CompilerServices;

namespace System
{
    public sealed class String
    {
        public extern String(char[] value);

        public extern int Length { get; }

        [IndexerName("Chars")]
        public extern char this[int index] { get; }

        public static extern string Concat(string str0, string str1);

        public static extern string Concat(string str0, string str1, string str2);

        public static extern string Concat(string str0, string str1, string str2, string str3);

        public static extern string Concat(params string[] values);

        public extern int IndexOf(char value);
    }
}
