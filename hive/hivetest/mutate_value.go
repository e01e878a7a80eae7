package hivetest

// valueMutations break value lists and value records.
func valueMutations() []Mutation {
	record := func(path, name string) func(*Image) []uint32 {
		return func(image *Image) []uint32 { return []uint32{image.Value(path, name).Record} }
	}
	return []Mutation{
		fault("value-count-absurd", 33, putNode(samplesKey, NodeValues, 0xFFFFFFFF)).at(samplesKey),
		fault("value-count-overflows", 33, putNode(samplesKey, NodeValues, 0x40000001)).at(samplesKey),
		fault("value-count-beyond-list", 33, func(image *Image) []Span {
			place := image.Key(samplesKey)
			return append(putNode(samplesKey, NodeValues, uint32(len(image.Cell(place.ValueList))/4+1))(image), image.spans(place.ValueList)...)
		}).at(samplesKey),
		fault("value-count-without-list", 33, putNode(leafKey, NodeValues, 1)).or(14).at(leafKey),
		fault("value-list-without-count", 33, putNode(samplesKey, NodeValues, 0)).at(samplesKey),
		fault("value-signature-wrong", 34, func(image *Image) []Span {
			place := image.Value("HardwareConfig", "LastConfig")
			copy(image.Cell(place.Record), "nk")
			return image.spans(place.Record)
		}).at("HardwareConfig"),
		fault("value-name-longer-than-cell", 34, func(image *Image) []Span {
			place := image.Value("HardwareConfig", "LastConfig")
			image.Put16(place.Record, RecordNameLength, 100)
			return image.spans(place.Record)
		}).also(50).at("HardwareConfig"),
		fault("value-name-length-absurd", 34, func(image *Image) []Span {
			place := image.Value("HardwareConfig", "LastConfig")
			image.Put16(place.Record, RecordNameLength, 0xFFFF)
			return image.spans(place.Record)
		}).also(50).at("HardwareConfig"),
		fault("value-record-too-small", 34, func(image *Image) []Span {
			place := image.Value("HardwareConfig", "LastConfig")
			image.split(place.Record, 16)
			return image.spans(place.Record)
		}).at("HardwareConfig"),
		fault("default-value-with-flags", 41, func(image *Image) []Span {
			place := image.Value(samplesKey, "")
			image.Put16(place.Record, RecordFlags, ValueLatin1)
			return image.spans(place.Record)
		}).at(samplesKey),
		fault("value-names-equal", 42, func(image *Image) []Span {
			first, second := image.Value(samplesKey, "2 bytes"), image.Value(samplesKey, "3 bytes")
			copy(image.Cell(second.Record)[RecordName:], "2 BYTES")
			return image.spans(second.Record, first.Record, image.Key(samplesKey).Node, image.Key(samplesKey).ValueList)
		}).at(samplesKey),
		fault("link-with-two-values", 43, func(image *Image) []Span {
			place := image.Key(Windows10Link)
			return image.spans(place.Node, place.ValueList, place.Values[0].Record, place.Values[1].Record)
		}).on(changed(Windows10, func(hive *Hive) {
			hive.Key(Windows10Link).SetValue(dword("Start", 1))
		})).at(Windows10Link),
		fault("link-value-misnamed", 43, func(image *Image) []Span {
			place := image.Key(Windows10Link)
			copy(image.Cell(place.Values[0].Record)[RecordName:], "SymbolicLinkName")
			return image.spans(place.Node, place.ValueList, place.Values[0].Record)
		}).at(Windows10Link),
		fault("short-data-in-a-cell", 40, asBuilt(record("RNG", "Short"))).
			on(changed(Windows10, func(hive *Hive) {
				hive.Key("RNG").SetValue(Value{Name: "Short", Type: TypeDWORD, Data: DWORD(1), Direct: true})
			})).at("RNG"),
		fault("empty-data-not-inline", 40, func(image *Image) []Span {
			place := image.Value(samplesKey, "empty")
			image.Put32(place.Record, RecordDataLength, 0)
			image.Put32(place.Record, RecordData, NIL)
			return image.spans(place.Record)
		}).at(samplesKey),
		fault("empty-data-with-inline-bytes", 40, putRecord(samplesKey, "empty", RecordData, 0x1234)).at(samplesKey),
	}
}

// dataMutations break lengths of data and big data.
func dataMutations() []Mutation {
	big := func(image *Image) *ValuePlace { return image.Value(Windows10BigData, "AppCompatCache") }
	putBig := func(apply func(*Image, *ValuePlace)) func(*Image) []Span {
		return func(image *Image) []Span {
			place := big(image)
			where := image.spans(append([]uint32{place.Data, place.List, place.Record}, place.Segments...)...)
			apply(image, place)
			return where
		}
	}
	bigData := func(name string, rule int, apply func(*Image, *ValuePlace)) Mutation {
		return fault(name, rule, putBig(apply)).at(Windows10BigData)
	}
	withValue := func(value Value) func() Hive {
		return changed(NT4, func(hive *Hive) { hive.Key("DISK").SetValue(value) })
	}
	places := func(name string) func(*Image) []Span {
		return func(image *Image) []Span {
			place := image.Value("DISK", name)
			return image.spans(place.Record, place.Data)
		}
	}
	return []Mutation{
		fault("inline-length-5", 35, putRecord("HardwareConfig", "LastId", RecordDataLength, Inline|5)).also(50).at("HardwareConfig"),
		fault("inline-length-absurd", 35, putRecord("HardwareConfig", "LastId", RecordDataLength, 0xFFFFFFFF)).also(50).at("HardwareConfig"),
		fault("length-0-with-a-cell", 36, putRecord("HardwareConfig", "LastConfig", RecordDataLength, 0)).or(40).level("F").at("HardwareConfig"),
		fault("data-longer-than-cell", 37, putRecord("HardwareConfig", "LastConfig", RecordDataLength, 5000)).also(50).at("HardwareConfig"),
		fault("data-length-absurd", 38, putRecord("HardwareConfig", "LastConfig", RecordDataLength, 0x7FFFFFFF)).or(37).also(50).at("HardwareConfig"),
		fault("data-length-absurd-in-version-1.3", 37, putRecord("Setup", "CmdLine", RecordDataLength, 0x7FFFFFFF)).or(39).also(50).on(NT4).at("Setup"),
		bigData("big-data-signature-wrong", 38, func(image *Image, place *ValuePlace) { copy(image.Cell(place.Data), "bd") }),
		bigData("big-data-count-too-high", 38, func(image *Image, place *ValuePlace) { image.Put16(place.Data, 2, 3) }),
		bigData("big-data-count-too-low", 38, func(image *Image, place *ValuePlace) { image.Put16(place.Data, 2, 1) }),
		bigData("big-data-count-absurd", 38, func(image *Image, place *ValuePlace) { image.Put16(place.Data, 2, 0xFFFF) }),
		bigData("big-data-length-too-long", 38, func(image *Image, place *ValuePlace) {
			image.Put32(place.Record, RecordDataLength, 2*SegmentData+1)
		}).also(50),
		bigData("big-data-list-beyond-bins", 14, func(image *Image, place *ValuePlace) { image.Put32(place.Data, 4, image.BinsSize()) }).or(38),
		bigData("big-data-segment-beyond-bins", 14, func(image *Image, place *ValuePlace) { image.Put32(place.List, 4, 0x7FFFFFF8) }).or(38),
		bigData("big-data-segment-freed", 14, func(image *Image, place *ValuePlace) { image.Free(place.Segments[1]) }).or(38),
		bigData("big-data-segment-short", 38, func(image *Image, place *ValuePlace) { image.split(place.Segments[0], 16000) }),
		bigData("big-data-segments-equal", 15, func(image *Image, place *ValuePlace) { image.Put32(place.List, 4, place.Segments[0]) }),
		bigData("big-data-list-is-the-record", 15, func(image *Image, place *ValuePlace) { image.Put32(place.Data, 4, place.Data) }).or(14, 38),
		bigData("big-data-segment-is-the-list", 15, func(image *Image, place *ValuePlace) { image.Put32(place.List, 0, place.List) }).or(38),
		bigData("big-data-segment-is-the-record", 15, func(image *Image, place *ValuePlace) { image.Put32(place.List, 4, place.Data) }).or(38),
		fault("big-data-in-one-cell", 38, func(image *Image) []Span {
			// as a program that knows no big data stores a long value
			place := big(image)
			cell := image.Allocate(SegmentData + 1)
			copy(image.Cell(cell), Noise(SegmentData+1, 1))
			for _, old := range append([]uint32{place.Data, place.List}, place.Segments...) {
				image.Free(old)
			}
			image.Put32(place.Record, RecordData, cell)
			return image.spans(cell, place.Record)
		}).at(Windows10BigData),
		fault("big-data-in-version-1.3", 39, places("Big")).or(37).
			on(withValue(Value{Name: "Big", Type: TypeBinary, Data: Noise(20000, 2), BigData: true})).at("DISK"),
		fault("value-above-1-mib-in-version-1.3", 39, places("Huge")).also(13).
			on(withValue(Value{Name: "Huge", Type: TypeBinary, Data: make([]byte, 1<<20)})).at("DISK"),
	}
}
