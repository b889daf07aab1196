// Signature of .NET nanoFramework's mscorlib 1.17, as far as the firmware may use it. Never runs.

namespace System
{
    public class Exception
    {
        public extern Exception();

        public extern Exception(string message);

        public virtual extern string Message { get; }
    }
}
