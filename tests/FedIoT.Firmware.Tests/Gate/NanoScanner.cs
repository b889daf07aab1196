using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace FedIoT.Firmware.Tests.Gate;

/// <summary>
/// Finds what the C# compiler lets through and .NET nanoFramework 1.x does not run, or runs wrong, in an assembly
/// compiled against the profile; and allocation in methods that the sampling loop reaches.
/// </summary>
internal sealed class NanoScanner : IDisposable
{
    private static readonly Dictionary<int, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!)
        .ToDictionary(o => o.Value & 0xFFFF);

    private static readonly string[] RefusedOpCodes =
    [
        "localloc", "calli", "jmp", "arglist", "mkrefany", "refanyval", "refanytype", "cpblk", "initblk", "tail.",
        "readonly.", "volatile.", "unaligned.", "ckfinite", "constrained.",
    ];

    private static readonly string[] AllocatingOpCodes = ["newarr", "newobj", "box"];

    // What the loop may call outside of its own assembly; none of these allocates.
    private static readonly string[] AllowedCalls = ["Array.Copy", "Array.Clear", "Array.get_Length"];

    private readonly PEReader image;
    private readonly MetadataReader metadata;
    private readonly string[] allowedCalls;
    private readonly List<string> findings = [];
    private readonly Dictionary<MethodDefinitionHandle, List<Instruction>> bodies = [];

    /// <summary>Opens an assembly.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="alsoAllowed">Type.Method of other assemblies that allocate nothing.</param>
    public NanoScanner(string path, params string[] alsoAllowed)
    {
        allowedCalls = [.. AllowedCalls, .. alsoAllowed];
        image = new PEReader(File.OpenRead(path));
        metadata = image.GetMetadataReader();
    }

    public int MethodCount => bodies.Count;

    public void Dispose() => image.Dispose();

    /// <summary>Everything wrong in the assembly; with roots (Type.Method), allocation they reach as well.</summary>
    public IReadOnlyList<string> Scan(params string[] roots)
    {
        ScanTables();
        foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
        {
            ScanType(metadata.GetTypeDefinition(handle));
        }

        if (roots.Length > 0)
        {
            ScanReachable(roots);
        }

        return findings;
    }

    private void ScanTables()
    {
        for (int row = 1; row <= metadata.GetTableRowCount(TableIndex.MethodSpec); row++)
        {
            findings.Add("generic method call (MethodSpec)");
        }

        for (int row = 1; row <= metadata.GetTableRowCount(TableIndex.TypeSpec); row++)
        {
            var provider = new SignatureFindings(metadata);
            metadata.GetTypeSpecification(MetadataTokens.TypeSpecificationHandle(row)).DecodeSignature(provider, null);
            Report(provider, "TypeSpec");
        }

        foreach (MemberReferenceHandle handle in metadata.MemberReferences)
        {
            MemberReference reference = metadata.GetMemberReference(handle);
            if (NameOf(reference).StartsWith("Math.", StringComparison.Ordinal))
            {
                findings.Add($"{NameOf(reference)}: single precision on stock firmware, not bit-equal to the host");
            }
        }
    }

    private void ScanType(TypeDefinition type)
    {
        string name = metadata.GetString(type.Name);
        if (type.GetGenericParameters().Count > 0)
        {
            findings.Add($"generic type {name}");
        }

        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            FieldDefinition field = metadata.GetFieldDefinition(handle);
            var provider = new SignatureFindings(metadata);
            field.DecodeSignature(provider, null);
            Report(provider, $"{name}.{metadata.GetString(field.Name)}");
        }

        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            ScanMethod(type, handle, name);
        }
    }

    private void ScanMethod(TypeDefinition type, MethodDefinitionHandle handle, string typeName)
    {
        MethodDefinition method = metadata.GetMethodDefinition(handle);
        string name = $"{typeName}.{metadata.GetString(method.Name)}";
        if (method.GetGenericParameters().Count > 0)
        {
            findings.Add($"generic method {name}");
        }

        bool isInterface = (type.Attributes & TypeAttributes.Interface) != 0;
        if (isInterface && (method.RelativeVirtualAddress != 0 || (method.Attributes & MethodAttributes.Static) != 0))
        {
            findings.Add($"interface member with a body {name}");
        }

        var provider = new SignatureFindings(metadata);
        method.DecodeSignature(provider, null);
        if (method.RelativeVirtualAddress != 0)
        {
            MethodBodyBlock body = image.GetMethodBody(method.RelativeVirtualAddress);
            if (!body.LocalSignature.IsNil)
            {
                metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(provider, null);
            }

            List<Instruction> instructions = Decode(body.GetILReader());
            bodies[handle] = instructions;
            foreach (string opCode in instructions.Select(i => i.OpCode.Name!).Where(IsRefused).Distinct())
            {
                findings.Add($"{opCode} in {name}");
            }
        }

        Report(provider, name);
    }

    // Floating point is refused as a whole: the logic is integers only.
    private static bool IsRefused(string opCode) =>
        RefusedOpCodes.Contains(opCode)
        || opCode.Contains(".ovf", StringComparison.Ordinal)
        || opCode.Contains(".r4", StringComparison.Ordinal)
        || opCode.Contains(".r8", StringComparison.Ordinal)
        || opCode.StartsWith("conv.r", StringComparison.Ordinal);

    private void ScanReachable(string[] roots)
    {
        var pending = new Queue<MethodDefinitionHandle>();
        var seen = new HashSet<MethodDefinitionHandle>();
        foreach (string root in roots)
        {
            MethodDefinitionHandle[] found = [.. metadata.MethodDefinitions.Where(h => FullNameOf(h) == root)];
            if (found.Length == 0)
            {
                findings.Add($"root {root} does not exist");
            }

            Array.ForEach(found, pending.Enqueue);
        }

        while (pending.TryDequeue(out MethodDefinitionHandle handle))
        {
            if (!seen.Add(handle))
            {
                continue;
            }

            foreach (MethodDefinitionHandle implementation in ImplementationsOf(handle))
            {
                pending.Enqueue(implementation);
            }

            if (bodies.TryGetValue(handle, out List<Instruction>? instructions))
            {
                ScanLoopBody(FullNameOf(handle), instructions, pending);
            }
        }
    }

    private void ScanLoopBody(string name, List<Instruction> instructions, Queue<MethodDefinitionHandle> pending)
    {
        foreach (Instruction instruction in instructions)
        {
            string opCode = instruction.OpCode.Name!;
            if (AllocatingOpCodes.Contains(opCode))
            {
                findings.Add($"{opCode} in {name}, which the sampling loop reaches");
            }

            if (instruction.OpCode.OperandType != OperandType.InlineMethod)
            {
                continue;
            }

            EntityHandle target = MetadataTokens.EntityHandle(instruction.Token);
            if (target.Kind == HandleKind.MethodDefinition)
            {
                pending.Enqueue((MethodDefinitionHandle)target);
            }
            else if (target.Kind == HandleKind.MemberReference
                && NameOf(metadata.GetMemberReference((MemberReferenceHandle)target)) is var called
                && !allowedCalls.Contains(called))
            {
                findings.Add($"{name}, which the sampling loop reaches, calls {called}");
            }
        }
    }

    // By name among the types that implement the interface: wide enough, because names here are not overloaded.
    private IEnumerable<MethodDefinitionHandle> ImplementationsOf(MethodDefinitionHandle handle)
    {
        MethodDefinition method = metadata.GetMethodDefinition(handle);
        TypeDefinitionHandle owner = method.GetDeclaringType();
        string name = metadata.GetString(method.Name);
        foreach (TypeDefinitionHandle candidate in metadata.TypeDefinitions)
        {
            TypeDefinition type = metadata.GetTypeDefinition(candidate);
            bool implements = type.GetInterfaceImplementations()
                .Any(i => metadata.GetInterfaceImplementation(i).Interface == owner) || type.BaseType == owner;
            foreach (MethodDefinitionHandle found in type.GetMethods())
            {
                if (implements && metadata.GetString(metadata.GetMethodDefinition(found).Name) == name)
                {
                    yield return found;
                }
            }
        }
    }

    private void Report(SignatureFindings provider, string name)
    {
        foreach (string finding in provider.Findings.Distinct())
        {
            findings.Add($"{finding} in {name}");
        }
    }

    private string FullNameOf(MethodDefinitionHandle handle)
    {
        MethodDefinition method = metadata.GetMethodDefinition(handle);
        string type = metadata.GetString(metadata.GetTypeDefinition(method.GetDeclaringType()).Name);
        return $"{type}.{metadata.GetString(method.Name)}";
    }

    private string NameOf(MemberReference reference)
    {
        string parent = reference.Parent.Kind == HandleKind.TypeReference
            ? metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)reference.Parent).Name)
            : reference.Parent.Kind.ToString();
        return $"{parent}.{metadata.GetString(reference.Name)}";
    }

    private static List<Instruction> Decode(BlobReader reader)
    {
        var instructions = new List<Instruction>();
        while (reader.RemainingBytes > 0)
        {
            int value = reader.ReadByte();
            OpCode opCode = OpCodesByValue[value == 0xFE ? 0xFE00 | reader.ReadByte() : value];
            int token = 0;
            switch (opCode.OperandType)
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    reader.ReadByte();
                    break;
                case OperandType.InlineVar:
                    reader.ReadInt16();
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    reader.ReadInt64();
                    break;
                case OperandType.InlineSwitch:
                    reader.Offset += 4 * reader.ReadInt32();
                    break;
                default:
                    token = reader.ReadInt32();
                    break;
            }

            instructions.Add(new Instruction(opCode, token));
        }

        return instructions;
    }

    private readonly record struct Instruction(OpCode OpCode, int Token);

    /// <summary>Notes the parts of a signature that the runtime does not have.</summary>
    private sealed class SignatureFindings(MetadataReader metadata) : ISignatureTypeProvider<string, object?>
    {
        public List<string> Findings { get; } = [];

        public string GetArrayType(string elementType, ArrayShape shape) => Note("multi-dimensional array");

        public string GetByReferenceType(string elementType) => elementType;

        public string GetFunctionPointerType(MethodSignature<string> signature) => Note("function pointer");

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) =>
            Note("generic type");

        public string GetGenericMethodParameter(object? genericContext, int index) => Note("generic parameter");

        public string GetGenericTypeParameter(object? genericContext, int index) => Note("generic parameter");

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) =>
            modifier == "IsVolatile" ? Note("volatile field") : unmodifiedType;

        public string GetPinnedType(string elementType) => Note("fixed pointer");

        public string GetPointerType(string elementType) => Note("pointer");

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) =>
            typeCode is PrimitiveTypeCode.Single or PrimitiveTypeCode.Double ? Note("floating point") : $"{typeCode}";

        public string GetSZArrayType(string elementType) => elementType;

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromSpecification(
            MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            metadata.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        private string Note(string finding)
        {
            Findings.Add(finding);
            return finding;
        }
    }
}
